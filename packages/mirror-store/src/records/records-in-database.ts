import type { Db } from 'mongodb';
import type { EntityStorage } from '../entity-storage.ts';
import { orUnavailable } from '../errors.ts';
import { openRecords } from './record-document.ts';

/** Those of the keys whose live record says that it is in the database. Rejects with a `StoreUnavailableError`. */
export async function recordsInDatabase(
  db: Db,
  storage: Pick<EntityStorage<unknown, object>, 'collection'>,
  databaseId: string,
  keys: readonly string[],
): Promise<ReadonlySet<string>> {
  return orUnavailable('records could not be read', async () => {
    const found = await openRecords(db, storage)
      .find({ _id: { $in: [...keys] }, databaseId }, { projection: { _id: 1 } })
      .toArray();
    return new Set(found.map(({ _id }) => _id));
  });
}
