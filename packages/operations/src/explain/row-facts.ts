import type { Fields } from '@notion-mirror/domain/content-differences';
import type { EntityRef } from '@notion-mirror/domain/entity';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import { openContentsReports, type SourceContents } from '@notion-mirror/mirror-store/contents-reports';
import { databaseStorage } from '@notion-mirror/mirror-store/entities/database';
import { rowStorage } from '@notion-mirror/mirror-store/entities/row';
import { createRecordStore } from '@notion-mirror/mirror-store/records/record-store';
import { Registry } from '@notion-mirror/service-kit/metrics';
import { z } from 'zod';
import { withheldOf, type WithheldValue } from './withheld-values.ts';

/** Where a row is, and what the mirror knows of that place. */
export interface RowFacts {
  /** As Notion says now; if it does not, as the mirror's record does. A tombstone names its data source only. Null: unknown. */
  readonly databaseId: string | null;
  readonly dataSourceId: string | null;
  readonly createdTime: Date | null;
  /** Null: unknown. */
  readonly isArchived: boolean | null;
  /** The record of its database; null: there is none, or the database is unknown. */
  readonly database: { readonly live: boolean; readonly hasSource: boolean } | null;
  /** Null: the mirror does not follow the rows of its data source, or that is unknown. */
  readonly contents: SourceContents | null;
  /** Properties whose values Notion's API does not return, or not in full, although its pages show them. */
  readonly withheld: readonly WithheldValue[];
}

const home = z.object({
  databaseId: z.string(),
  dataSourceId: z.string(),
  createdTime: z.date().nullable(),
  isArchived: z.boolean(),
});

/** `shown`: the row's document as Notion shows it now, or else as the mirror does; null: neither does. Rejects with the store's errors. */
export async function gatherRowFacts(db: Mongo['db'], { workspaceId, id }: EntityRef, shown: Fields | null): Promise<RowFacts> {
  const deps = { db, metrics: new Registry() };
  const found = home.safeParse(shown).data;
  const { dataSourceId, createdTime } = found ?? (await createRecordStore(rowStorage, deps).read({ workspaceId, id })) ?? nowhere;
  const contents = dataSourceId === null ? null : await openContentsReports(db).read({ workspaceId, dataSourceId });
  const databaseId = found?.databaseId ?? contents?.databaseId ?? null;
  const database = databaseId === null ? null : await createRecordStore(databaseStorage, deps).read({ workspaceId, id: databaseId });
  return {
    databaseId,
    dataSourceId,
    createdTime,
    isArchived: found?.isArchived ?? null,
    database: database && { live: database.live, hasSource: dataSourceId !== null && database.dataSourceIds.includes(dataSourceId) },
    contents,
    withheld: withheldOf(shown),
  };
}

const nowhere = { dataSourceId: null, createdTime: null };
