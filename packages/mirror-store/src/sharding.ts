import type { Db } from 'mongodb';
import type { EntityStorage } from './entity-storage.ts';

/** A collection of records and its shadow, of which one is sharded and the other is not: the shadow cannot take its place. */
export interface UnevenSharding {
  readonly sharded: string;
  readonly unsharded: string;
}

/** Rejects with the driver's errors. */
export async function unevenSharding(
  db: Pick<Db, 'command'>,
  storages: readonly Pick<EntityStorage<unknown, object>, 'collection' | 'shadowCollection'>[],
): Promise<UnevenSharding[]> {
  const isSharded = async (name: string): Promise<boolean> => (await db.command({ collStats: name }))['sharded'] === true;
  const found = await Promise.all(
    storages.map(async ({ collection, shadowCollection }) => {
      const [isMirrorSharded, isShadowSharded] = [await isSharded(collection), await isSharded(shadowCollection)];
      if (isMirrorSharded === isShadowSharded) return [];
      const [sharded, unsharded] = isMirrorSharded ? [collection, shadowCollection] : [shadowCollection, collection];
      return [{ sharded, unsharded }];
    }),
  );
  return found.flat();
}
