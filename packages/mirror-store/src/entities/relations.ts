import type { Db } from 'mongodb';
import { z } from 'zod';
import { orUnavailable } from '../errors.ts';
import { openRecords } from '../records/record-document.ts';
import { databaseStorage } from './database.ts';
import { ofTenant } from '../records/of-tenant.ts';

/** How the data sources of a tenant depend on each other, by the schemas that the mirror holds. */
export interface Relations {
  /** By data source: others, or itself, whose rows name its rows. */
  readonly namedBy: ReadonlyMap<string, Naming>;
}

export interface Naming {
  readonly dataSourceIds: ReadonlySet<string>;
  /** Of those: the ones with formulas or rollups, which may compute from the rows that they name. */
  readonly computing: ReadonlySet<string>;
  /** Whether some of its relations are the other end of a relation here: an edit here then changes those rows, too. */
  readonly isTwoWay: boolean;
}

/** Reads all schemas of the tenant. Rejects with a `StoreUnavailableError` when MongoDB is unavailable. */
export async function readRelations(db: Db, workspaceId: string): Promise<Relations> {
  const config = { data_source_id: 1, type: 1 } as const;
  const projection = { dataSources: { id: 1, properties: { type: 1, config } } } as const;
  const found = await orUnavailable('records could not be read', () =>
    openRecords(db, databaseStorage)
      .find({ ...ofTenant(workspaceId), removed: { $exists: false } }, { projection })
      .toArray(),
  );
  const namedBy = new Map<string, { dataSourceIds: Set<string>; computing: Set<string>; isTwoWay: boolean }>();
  for (const { id, properties } of found.flatMap((document) => schemas.parse(document).dataSources)) {
    const computes = properties.some(({ type }) => type === 'formula' || type === 'rollup');
    for (const { type, config: relation } of properties) {
      if (type !== 'relation' || relation?.data_source_id === undefined) continue;
      const naming = namedBy.get(relation.data_source_id) ?? { dataSourceIds: new Set(), computing: new Set(), isTwoWay: false };
      namedBy.set(relation.data_source_id, naming);
      naming.dataSourceIds.add(id);
      if (computes) naming.computing.add(id);
      naming.isTwoWay ||= relation.type === 'dual_property';
    }
  }
  return { namedBy };
}

/** The configuration of other types may have any form. */
const relationConfig = z.object({ data_source_id: z.string().optional(), type: z.string().optional() }).optional().catch(undefined);

const schemas = z.object({
  dataSources: z
    .array(z.object({ id: z.string(), properties: z.array(z.object({ type: z.string(), config: relationConfig })).default([]) }))
    .default([]),
});
