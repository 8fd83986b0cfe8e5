import { LRUCache } from 'lru-cache';
import type { Collection, Db } from 'mongodb';
import { openCollection } from './collections.ts';
import { idOfContents, type DataSourceRef } from './contents-document.ts';
import { orUnavailable } from './errors.ts';

/** Which data sources an operator turned off. Both reject with a `StoreUnavailableError` when MongoDB is unavailable. */
export interface RowsOff {
  /** As it was within the last seconds: for each event. */
  isOff(source: DataSourceRef): Promise<boolean>;
  isOffNow(source: DataSourceRef): Promise<boolean>;
}

/** An operator's decision. It outlasts the data source's other documents, which go when its database does and are made again when that comes back. */
export interface RowsOffDocument extends DataSourceRef {
  /** `workspaceId:dataSourceId`. */
  readonly _id: string;
  readonly since: Date;
}

const rememberedMs = 5_000;
const rememberedSources = 10_000;

export function openDecisions(db: Db): Collection<RowsOffDocument> {
  return openCollection<RowsOffDocument>(db, 'rowsOff');
}

export function openRowsOff(db: Db): RowsOff {
  const decisions = openDecisions(db);
  const remembered = new LRUCache<string, boolean>({ max: rememberedSources, ttl: rememberedMs });

  async function isOffNow(source: DataSourceRef): Promise<boolean> {
    const _id = idOfContents(source);
    const found = await orUnavailable('whether rows are off could not be read', () =>
      decisions.findOne({ _id }, { projection: { _id: 1 } }),
    );
    remembered.set(_id, found !== null);
    return found !== null;
  }

  return { isOffNow, isOff: async (source) => remembered.get(idOfContents(source)) ?? isOffNow(source) };
}
