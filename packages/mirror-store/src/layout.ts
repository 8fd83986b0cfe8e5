import type { Db, Document, IndexDescriptionInfo } from 'mongodb';
import { collectionNames, databasesView } from './collections.ts';

interface WantedIndex {
  readonly name: string;
  readonly key: Readonly<Record<string, 1 | -1>>;
  /** For a TTL index: how long after the date in its field a document is removed. */
  readonly expireAfterSeconds?: number;
}

const tombstoneTtl: WantedIndex = { name: 'tombstone_ttl', key: { 'removed.at': 1 } };

const indexesOfRecords: readonly WantedIndex[] = [
  { name: 'by_workspace', key: { workspaceId: 1, databaseId: 1 } },
  { name: 'by_data_source', key: { workspaceId: 1, 'dataSources.id': 1 } },
  { name: 'by_parent', key: { workspaceId: 1, 'parent.id': 1 } },
];

const wantedIndexes: Readonly<Record<string, readonly WantedIndex[]>> = {
  [collectionNames.databaseRecords]: indexesOfRecords,
  // It can replace the other collection.
  [collectionNames.shadowRecords]: indexesOfRecords,
  [collectionNames.connections]: [
    { name: 'by_notion_workspace', key: { notionWorkspaceId: 1 } },
    { name: 'by_workspace', key: { workspaceId: 1 } },
  ],
  [collectionNames.connectionNotices]: [
    { name: 'by_due', key: { dueAt: 1 } },
    { name: 'expiry', key: { expiresAt: 1 }, expireAfterSeconds: 0 },
  ],
  [collectionNames.eventOutcomes]: [
    { name: 'by_subject', key: { subjects: 1, at: -1 } },
    { name: 'expiry', key: { expiresAt: 1 }, expireAfterSeconds: 0 },
  ],
  [collectionNames.parkedEvents]: [{ name: 'by_workspace', key: { workspaceId: 1, receivedAt: 1 } }],
  [collectionNames.sweeps]: [
    { name: 'by_due', key: { dueAt: 1 } },
    { name: 'by_completion', key: { completedAt: 1 } },
    { name: 'by_stopped', key: { 'last.stopped': 1 } },
    { name: 'by_incomplete', key: { incompleteSince: 1 } },
  ],
  [collectionNames.workerStatus]: [{ name: 'expiry', key: { expiresAt: 1 }, expireAfterSeconds: 0 }],
  [collectionNames.settledDeadLetters]: [
    { name: 'by_place', key: { topic: 1, partition: 1, offset: 1 } },
    { name: 'expiry', key: { expiresAt: 1 }, expireAfterSeconds: 0 },
  ],
};

const viewPipeline: readonly Document[] = [{ $match: { removed: { $exists: false } } }];

/** A difference from the wanted layout, which `initMongo` repairs. */
export type Difference =
  | { readonly kind: 'missing_collection'; readonly name: string }
  | { readonly kind: 'missing_index'; readonly collection: string; readonly name: string }
  | { readonly kind: 'other_index'; readonly collection: string; readonly name: string }
  | {
      readonly kind: 'other_tombstone_ttl';
      readonly collection: string;
      readonly isSeconds: number | null;
      readonly shouldBeSeconds: number;
    }
  | { readonly kind: 'missing_view'; readonly name: string }
  | { readonly kind: 'other_view'; readonly name: string };

/** The differences from the wanted layout; empty when there are none. Read-only. */
export async function compareLayout(db: Db, tombstoneTtlSeconds: number): Promise<Difference[]> {
  const differences: Difference[] = [];
  const found = new Map((await db.listCollections().toArray()).map((info) => [info.name, info]));

  for (const name of Object.values(collectionNames)) {
    const exists = found.has(name);
    if (!exists) differences.push({ kind: 'missing_collection', name });
    const indexes: IndexDescriptionInfo[] = exists ? await db.collection(name).indexes() : [];
    for (const { name: index, key, expireAfterSeconds } of wantedIndexes[name] ?? []) {
      if (indexes.some((is) => sameKey(is.key, key) && is.expireAfterSeconds === expireAfterSeconds)) continue;
      const nameInUse = indexes.some((is) => is.name === index);
      differences.push({ kind: nameInUse ? 'other_index' : 'missing_index', collection: name, name: index });
    }
    if (holdsRecords(name)) differences.push(...compareTtl(name, indexes, tombstoneTtlSeconds));
  }

  const view = found.get(databasesView);
  if (view === undefined) differences.push({ kind: 'missing_view', name: databasesView });
  else if (!isOurView(view)) differences.push({ kind: 'other_view', name: databasesView });
  return differences;
}

function holdsRecords(name: string): boolean {
  return name === collectionNames.databaseRecords || name === collectionNames.shadowRecords;
}

function compareTtl(collection: string, indexes: readonly IndexDescriptionInfo[], seconds: number): Difference[] {
  const is = indexes.find(({ key }) => sameKey(key, tombstoneTtl.key));
  if (is === undefined) return [{ kind: 'missing_index', collection, name: tombstoneTtl.name }];
  const isSeconds = is.expireAfterSeconds ?? null;
  return isSeconds === seconds ? [] : [{ kind: 'other_tombstone_ttl', collection, isSeconds, shouldBeSeconds: seconds }];
}

function sameKey(is: unknown, wanted: WantedIndex['key']): boolean {
  return JSON.stringify(is instanceof Map ? Object.fromEntries(is) : is) === JSON.stringify(wanted);
}

function isOurView(info: Document): boolean {
  const options = info['options'] as Document | undefined;
  return (
    info['type'] === 'view' &&
    options?.['viewOn'] === collectionNames.databaseRecords &&
    JSON.stringify(options['pipeline']) === JSON.stringify(viewPipeline)
  );
}

/** Repairs one difference. An index of ours with other keys is replaced; content is never touched. */
export async function repair(db: Db, difference: Difference, tombstoneTtlSeconds: number): Promise<void> {
  switch (difference.kind) {
    case 'missing_collection':
      await db.createCollection(difference.name);
      break;
    case 'missing_index':
      await createIndex(db, difference.collection, difference.name, tombstoneTtlSeconds);
      break;
    case 'other_index':
      await db.collection(difference.collection).dropIndex(difference.name);
      await createIndex(db, difference.collection, difference.name, tombstoneTtlSeconds);
      break;
    case 'other_tombstone_ttl':
      await db.command({
        collMod: difference.collection,
        index: { keyPattern: tombstoneTtl.key, expireAfterSeconds: difference.shouldBeSeconds },
      });
      break;
    case 'missing_view':
      await db.createCollection(databasesView, { viewOn: collectionNames.databaseRecords, pipeline: [...viewPipeline] });
      break;
    case 'other_view':
      if ((await db.listCollections({ name: databasesView, type: 'collection' }).toArray()).length > 0) {
        throw new Error(`a collection is named ${databasesView}, which is the view's name: rename it`);
      }
      await db.command({ collMod: databasesView, viewOn: collectionNames.databaseRecords, pipeline: viewPipeline });
      break;
  }
}

async function createIndex(db: Db, collection: string, name: string, tombstoneTtlSeconds: number): Promise<void> {
  const wanted =
    name === tombstoneTtl.name
      ? { ...tombstoneTtl, expireAfterSeconds: tombstoneTtlSeconds }
      : wantedIndexes[collection]?.find((index) => index.name === name);
  if (wanted === undefined) throw new Error(`no index ${name} is known for ${collection}`);
  const { key, expireAfterSeconds } = wanted;
  await db.collection(collection).createIndex(key, { name, ...(expireAfterSeconds === undefined ? {} : { expireAfterSeconds }) });
}

/** One line for an operator. */
export function describeDifference(difference: Difference): string {
  switch (difference.kind) {
    case 'missing_collection':
      return `collection ${difference.name} is missing`;
    case 'missing_index':
      return `index ${difference.name} of ${difference.collection} is missing`;
    case 'other_index':
      return `index ${difference.name} of ${difference.collection} has other keys or another expiry`;
    case 'other_tombstone_ttl':
      return `tombstones in ${difference.collection} expire after ${difference.isSeconds ?? 'no'} s instead of ${difference.shouldBeSeconds} s`;
    case 'missing_view':
      return `view ${difference.name} is missing`;
    case 'other_view':
      return `view ${difference.name} is not as it should be`;
  }
}
