import type { SchemaChange } from '@notion-mirror/domain/schema-change';
import type { Db } from 'mongodb';
import { openCollection } from './collections.ts';
import { orUnavailable } from './errors.ts';
import { pageReads } from './page-reads.ts';
import type { HistoryDocument } from './records/record-history.ts';

/** A change of the properties of a data source, as specified in `docs/data-model.md`. */
export interface SchemaChangeDocument extends HistoryDocument {
  readonly workspaceId: string;
  readonly databaseId: string;
  readonly dataSourceId: string;
  readonly at: Date;
  readonly asOf: Date;
  readonly rev: number;
  readonly connectionId: string | null;
  readonly event: { readonly id: string; readonly type: string; readonly occurredAt: Date } | null;
  readonly replaced: { readonly rev: number; readonly asOf: Date; readonly connectionId: string | null };
  readonly changes: readonly SchemaChange[];
  readonly isTooLarge?: true;
}

/** One of the ids must be given. `eventIds`: only the changes that were written for one of these events. */
export interface SchemaHistoryQuery {
  readonly workspaceId?: string;
  readonly databaseId?: string;
  readonly dataSourceId?: string;
  readonly eventIds?: readonly string[];
  readonly limit: number;
}

/** The latest changes, latest first. Rejects with a `StoreUnavailableError`. */
export async function findSchemaChanges(db: Db, { eventIds, limit, ...ids }: SchemaHistoryQuery): Promise<SchemaChangeDocument[]> {
  const filter = { ...ids, ...(eventIds === undefined ? {} : { 'event.id': { $in: [...eventIds] } }) };
  return orUnavailable('the schema history could not be read', () =>
    openCollection<SchemaChangeDocument>(db, 'schemaChanges').find(filter, pageReads).sort({ at: -1, rev: -1 }).limit(limit).toArray(),
  );
}

/** The tenants with changes of a data source, sorted. Rejects with a `StoreUnavailableError`. */
export async function tenantsWithSchemaChanges(db: Db, dataSourceId: string): Promise<string[]> {
  return orUnavailable('the schema history could not be read', async () => {
    const found = await openCollection<SchemaChangeDocument>(db, 'schemaChanges').distinct('workspaceId', { dataSourceId });
    return found.toSorted();
  });
}
