import { notionIdFromText } from '@notion-mirror/domain/notion-id';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import { findSchemaChanges, tenantsWithSchemaChanges, type SchemaChangeDocument } from '@notion-mirror/mirror-store/schema-history';
import { OperatorError } from '../operator-error.ts';
import { findSource } from '../rows/find-source.ts';
import { oneLine } from '../text.ts';

export interface SchemaHistory {
  readonly workspaceId: string;
  readonly dataSourceId: string;
  /** Null: no live database of the mirror has it any more. */
  readonly holder: { readonly databaseId: string; readonly database: string; readonly name: string } | null;
  /** Latest first. */
  readonly changes: readonly SchemaChangeDocument[];
  readonly hasMore: boolean;
}

export interface SchemaHistoryQuestion {
  /** A data source as `findSource` reads it; one that is removed, by its own id or URL. */
  readonly text: string;
  readonly workspaceId: string | undefined;
  readonly limit: number;
}

/** The last changes of a data source's properties. Rejects with an OperatorError when `text` names none, or several, and with the store's errors. */
export async function gatherSchemaHistory(db: Mongo['db'], { text, workspaceId, limit }: SchemaHistoryQuestion): Promise<SchemaHistory> {
  const source = await sourceOf(db, text, workspaceId);
  const { workspaceId: tenant, dataSourceId } = source;
  const found = await findSchemaChanges(db, { workspaceId: tenant, dataSourceId, limit: limit + 1 });
  return { ...source, changes: found.slice(0, limit), hasMore: found.length > limit };
}

type Source = Pick<SchemaHistory, 'workspaceId' | 'dataSourceId' | 'holder'>;

async function sourceOf(db: Mongo['db'], text: string, workspaceId: string | undefined): Promise<Source> {
  try {
    const { workspaceId: tenant, databaseId, database, dataSourceId, name } = await findSource(db, text, workspaceId);
    return { workspaceId: tenant, dataSourceId, holder: { databaseId, database, name } };
  } catch (error) {
    const isUnknown = error instanceof OperatorError && error.code === 'unknown_data_source';
    const removed = isUnknown ? await removedSource(db, text, workspaceId) : null;
    if (removed === null) throw error;
    return removed;
  }
}

/** Null: there are no changes of it either. */
async function removedSource(db: Mongo['db'], text: string, workspaceId: string | undefined): Promise<Source | null> {
  const dataSourceId = notionIdFromText(text);
  if (dataSourceId === null) return null;
  const all = await tenantsWithSchemaChanges(db, dataSourceId);
  const [tenant, ...others] = workspaceId === undefined ? all : all.filter((one) => one === workspaceId);
  if (tenant === undefined) return null;
  if (others.length === 0) return { workspaceId: tenant, dataSourceId, holder: null };
  throw new OperatorError('several_data_sources', `${all.length} tenants had the data source ${dataSourceId}: ${oneLine(all.join(', '))}`, {
    kind: 'usage',
    remedy: 'name one with --workspace-id',
  });
}
