import { LRUCache } from 'lru-cache';
import type { Db } from 'mongodb';
import { idOfContents, openContents, type DataSourceRef } from './contents-document.ts';
import { orUnavailable } from './errors.ts';

/** Which data sources an operator turned off. Both reject with a `StoreUnavailableError` when MongoDB is unavailable. */
export interface RowsOff {
  /** As it was within the last seconds: for each event. */
  isOff(source: DataSourceRef): Promise<boolean>;
  isOffNow(source: DataSourceRef): Promise<boolean>;
}

const rememberedMs = 5_000;
const rememberedSources = 10_000;

export function openRowsOff(db: Db): RowsOff {
  const contents = openContents(db);
  const remembered = new LRUCache<string, boolean>({ max: rememberedSources, ttl: rememberedMs });

  async function isOffNow(source: DataSourceRef): Promise<boolean> {
    const _id = idOfContents(source);
    const found = await orUnavailable('a data source could not be read', () => contents.findOne({ _id }, { projection: { state: 1 } }));
    const isOff = found?.state === 'off';
    remembered.set(_id, isOff);
    return isOff;
  }

  return { isOffNow, isOff: async (source) => remembered.get(idOfContents(source)) ?? isOffNow(source) };
}
