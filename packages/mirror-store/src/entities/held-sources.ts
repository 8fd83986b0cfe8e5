import type { Db, Document } from 'mongodb';
import { z } from 'zod';
import { orUnavailable } from '../errors.ts';
import { openRecords } from '../records/record-document.ts';
import { databaseStorage } from './database.ts';
import { ofTenant } from '../records/of-tenant.ts';

/** A data source that a live database of the mirror lists. */
export interface HeldSource {
  readonly workspaceId: string;
  readonly databaseId: string;
  /** The database's title. */
  readonly database: string;
  readonly dataSourceId: string;
  readonly name: string;
  /** Its schema, in Notion's order; null: the connection cannot read it. */
  readonly properties: readonly SchemaProperty[] | null;
}

export interface SchemaProperty {
  readonly id: string;
  readonly name: string;
  readonly type: string;
}

/** `id`: of a database or of a data source. Without `workspaceId` the records of all tenants are read. */
export interface SourceQuery {
  readonly workspaceId?: string;
  readonly id?: string;
}

const holder = z.object({
  workspaceId: z.string(),
  databaseId: z.string(),
  title: z.string(),
  dataSources: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      properties: z.array(z.object({ id: z.string(), name: z.string(), type: z.string() })).optional(),
    }),
  ),
});

/**
 * The data sources of live databases, sorted by tenant, database and its own order. A record that this program did not write in this form has none.
 * Rejects with a `StoreUnavailableError`.
 */
export async function findHeldSources(db: Db, { workspaceId, id }: SourceQuery): Promise<HeldSource[]> {
  const filter: Document = {
    removed: { $exists: false },
    ...(workspaceId === undefined ? {} : ofTenant(workspaceId)),
    ...(id === undefined ? {} : { $or: [{ databaseId: id }, { 'dataSources.id': id }] }),
  };
  const source = { 'dataSources.id': 1, 'dataSources.name': 1 };
  const property = { 'dataSources.properties.id': 1, 'dataSources.properties.name': 1, 'dataSources.properties.type': 1 };
  const projection = { _id: 0, workspaceId: 1, databaseId: 1, title: 1, ...source, ...property };
  const found = await orUnavailable('records could not be read', () =>
    openRecords(db, databaseStorage).find(filter, { projection }).sort({ workspaceId: 1, databaseId: 1 }).toArray(),
  );
  return found.flatMap((document): HeldSource[] => {
    const read = holder.safeParse(document);
    if (!read.success) return [];
    const { title: database, dataSources, ...ref } = read.data;
    return dataSources
      .filter((one) => id === undefined || id === ref.databaseId || id === one.id)
      .map((one) => ({ ...ref, database, dataSourceId: one.id, name: one.name, properties: one.properties ?? null }));
  });
}
