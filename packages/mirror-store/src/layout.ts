import { isDeepStrictEqual } from 'node:util';
import type { Db, Document, IndexDescriptionInfo } from 'mongodb';
import { collectionNames } from './collections.ts';
import type { EntityStorage, WantedIndex } from './entity-storage.ts';
import { minutesKeptSeconds } from './minutes.ts';
import { needsLookIndex } from './event-outcomes.ts';

/** The intended layout of MongoDB. */
export interface MongoLayout {
  /** The kinds of entities that the mirror keeps. */
  readonly storages: readonly EntityStorage<unknown, object>[];
  readonly tombstoneTtlMs: number;
  readonly schemaHistoryMs: number;
}

const tombstoneTtl: WantedIndex = { name: 'tombstone_ttl', key: { 'removed.at': 1 } };

const wantedIndexes: Readonly<Record<string, readonly WantedIndex[]>> = {
  [collectionNames.connections]: [
    { name: 'by_notion_workspace', key: { notionWorkspaceId: 1 } },
    { name: 'by_workspace', key: { workspaceId: 1 } },
  ],
  [collectionNames.connectionNotices]: [
    { name: 'by_due', key: { dueAt: 1 } },
    { name: 'left', key: { notedAt: 1 }, partialFilter: { problem: { $type: 'string' } } },
    { name: 'expiry', key: { expiresAt: 1 }, expireAfterSeconds: 0 },
  ],
  [collectionNames.dataSourceContents]: [
    { name: 'by_database', key: { workspaceId: 1, databaseId: 1 } },
    { name: 'by_tenant', key: { workspaceId: 1, state: 1, _id: 1 } },
    { name: 'by_due', key: { dueAt: 1 } },
    { name: 'by_completion', key: { completeAsOf: 1 } },
    { name: 'by_state', key: { state: 1, _id: 1 } },
    // Answers the summary of all without reading a document.
    { name: 'by_rows', key: { state: 1, 'rows.live': 1, 'rows.archived': 1, completeAsOf: 1 } },
  ],
  [collectionNames.eventOutcomes]: [
    { name: 'by_subject', key: { subjects: 1, at: -1 } },
    { name: 'by_workspace', key: { workspaceId: 1, _id: -1 } },
    { name: needsLookIndex, key: { needsLook: 1, _id: -1 }, partialFilter: { needsLook: true } },
    { name: 'expiry', key: { expiresAt: 1 }, expireAfterSeconds: 0 },
  ],
  // Followed back by _id, which grows with time.
  [collectionNames.operatorActions]: [
    { name: 'by_workspace', key: { workspaceId: 1, _id: -1 } },
    { name: 'by_who', key: { who: 1, _id: -1 } },
    { name: 'by_action', key: { action: 1, _id: -1 } },
    // Of jobs that run.
    { name: 'by_lease', key: { 'job.heldUntil': 1 } },
    { name: 'expiry', key: { at: 1 }, expireAfterSeconds: 400 * 24 * 60 * 60 },
  ],
  [collectionNames.minutes]: [{ name: 'by_time', key: { at: 1 }, expireAfterSeconds: minutesKeptSeconds }],
  [collectionNames.parkedEvents]: [
    { name: 'by_workspace', key: { workspaceId: 1, receivedAt: 1 } },
    { name: 'by_event', key: { 'event.eventId': 1 } },
    { name: 'by_database', key: { 'event.databaseId': 1 } },
    { name: 'by_data_source', key: { 'event.dataSourceId': 1 } },
    { name: 'by_page', key: { 'event.pageId': 1 } },
  ],
  [collectionNames.plannedReads]: [
    { name: 'by_workspace', key: { workspaceId: 1 } },
    { name: 'by_due', key: { dueAt: 1 } },
  ],
  [collectionNames.schemaChanges]: [
    { name: 'by_data_source', key: { dataSourceId: 1, workspaceId: 1, at: -1, rev: -1 } },
    { name: 'by_database', key: { workspaceId: 1, databaseId: 1, at: -1, rev: -1 } },
  ],
  [collectionNames.sweeps]: [
    { name: 'by_due', key: { dueAt: 1 } },
    { name: 'by_completion', key: { completedAt: 1 } },
    { name: 'by_stopped', key: { 'last.stopped': 1 } },
    { name: 'by_incomplete', key: { incompleteSince: 1 } },
    // Answers `brief` without reading a document.
    { name: 'brief', key: { _id: 1, claimedBy: 1, failures: 1, completedAt: 1, 'last.stopped': 1, incompleteSince: 1 } },
  ],
  [collectionNames.tenantSigns]: [{ name: 'by_unannounced', key: { lastUnannouncedAt: 1 } }],
  [collectionNames.workerStatus]: [{ name: 'expiry', key: { expiresAt: 1 }, expireAfterSeconds: 0 }],
  [collectionNames.settledDeadLetters]: [
    { name: 'by_place', key: { topic: 1, partition: 1, offset: 1 } },
    { name: 'expiry', key: { expiresAt: 1 }, expireAfterSeconds: 0 },
  ],
};

function viewPipelineOf({ viewFilter = {} }: Pick<EntityStorage<unknown, object>, 'viewFilter'>): Document[] {
  return [{ $match: { removed: { $exists: false }, ...viewFilter } }];
}

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

interface WantedCollection {
  readonly name: string;
  readonly indexes: readonly WantedIndex[];
}

function collectionsOf({ storages, tombstoneTtlMs, schemaHistoryMs }: MongoLayout): WantedCollection[] {
  const expiry = { name: 'expiry', key: { at: 1 as const }, expireAfterSeconds: Math.ceil(schemaHistoryMs / 1000) };
  const expiring: Readonly<Record<string, WantedIndex>> = { [collectionNames.schemaChanges]: expiry };
  const others = Object.values(collectionNames).map((name) => ({
    name,
    indexes: [...(wantedIndexes[name] ?? []), ...(expiring[name] === undefined ? [] : [expiring[name]])],
  }));
  const records = storages.flatMap(({ collection, shadowCollection, indexes }) => {
    // MongoDB keeps whole seconds only, and a tombstone must not go too soon.
    const wanted = [...indexes, { ...tombstoneTtl, expireAfterSeconds: Math.ceil(tombstoneTtlMs / 1000) }];
    // The shadow can replace the other collection.
    return [collection, shadowCollection].map((name) => ({ name, indexes: wanted }));
  });
  return [...others, ...records].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** The differences from the wanted layout; empty when there are none. Read-only. */
export async function compareLayout(db: Db, layout: MongoLayout): Promise<Difference[]> {
  const differences: Difference[] = [];
  const found = new Map((await db.listCollections().toArray()).map((info) => [info.name, info]));

  for (const { name, indexes } of collectionsOf(layout)) {
    const exists = found.has(name);
    if (!exists) differences.push({ kind: 'missing_collection', name });
    const present: IndexDescriptionInfo[] = exists ? await db.collection(name).indexes() : [];
    for (const wanted of indexes) differences.push(...compareIndex(name, wanted, present));
  }

  for (const storage of layout.storages) {
    const view = found.get(storage.view);
    if (view === undefined) differences.push({ kind: 'missing_view', name: storage.view });
    else if (!isOurView(view, storage)) differences.push({ kind: 'other_view', name: storage.view });
  }
  return differences;
}

function compareIndex(
  collection: string,
  { name, key, expireAfterSeconds, partialFilter }: WantedIndex,
  present: readonly IndexDescriptionInfo[],
): Difference[] {
  const sameKeys = present.filter((is) => sameKey(is.key, key) && isDeepStrictEqual(is['partialFilterExpression'], partialFilter));
  if (sameKeys.some((is) => is.expireAfterSeconds === expireAfterSeconds)) return [];
  const [is] = sameKeys;
  if (name === tombstoneTtl.name && is !== undefined && expireAfterSeconds !== undefined) {
    return [{ kind: 'other_tombstone_ttl', collection, isSeconds: is.expireAfterSeconds ?? null, shouldBeSeconds: expireAfterSeconds }];
  }
  const nameInUse = present.some((index) => index.name === name);
  return [{ kind: nameInUse ? 'other_index' : 'missing_index', collection, name }];
}

function sameKey(is: unknown, wanted: WantedIndex['key']): boolean {
  return JSON.stringify(is instanceof Map ? Object.fromEntries(is) : is) === JSON.stringify(wanted);
}

function isOurView(info: Document, storage: EntityStorage<unknown, object>): boolean {
  const options = info['options'] as Document | undefined;
  return (
    info['type'] === 'view' &&
    options?.['viewOn'] === storage.collection &&
    JSON.stringify(options['pipeline']) === JSON.stringify(viewPipelineOf(storage))
  );
}

/** Repairs one difference. An index of ours with other keys is replaced; content is never touched. */
export async function repair(db: Db, difference: Difference, layout: MongoLayout): Promise<void> {
  switch (difference.kind) {
    case 'missing_collection':
      await db.createCollection(difference.name);
      break;
    case 'missing_index':
      await createIndex(db, difference, layout);
      break;
    case 'other_index':
      await db.collection(difference.collection).dropIndex(difference.name);
      await createIndex(db, difference, layout);
      break;
    case 'other_tombstone_ttl':
      await db.command({
        collMod: difference.collection,
        index: { keyPattern: tombstoneTtl.key, expireAfterSeconds: difference.shouldBeSeconds },
      });
      break;
    case 'missing_view':
      await db.createCollection(difference.name, viewOf(difference.name, layout));
      break;
    case 'other_view':
      if ((await db.listCollections({ name: difference.name, type: 'collection' }).toArray()).length > 0) {
        throw new Error(`a collection is named ${difference.name}, which is the view's name: rename it`);
      }
      await db.command({ collMod: difference.name, ...viewOf(difference.name, layout) });
      break;
  }
}

function viewOf(view: string, { storages }: MongoLayout): { readonly viewOn: string; readonly pipeline: Document[] } {
  const storage = storages.find((one) => one.view === view);
  if (storage === undefined) throw new Error(`no records are known for the view ${view}`);
  return { viewOn: storage.collection, pipeline: viewPipelineOf(storage) };
}

async function createIndex(
  db: Db,
  { collection, name }: { readonly collection: string; readonly name: string },
  layout: MongoLayout,
): Promise<void> {
  const wanted = collectionsOf(layout)
    .find((one) => one.name === collection)
    ?.indexes.find((index) => index.name === name);
  if (wanted === undefined) throw new Error(`no index ${name} is known for ${collection}`);
  const { key, expireAfterSeconds, partialFilter } = wanted;
  await db.collection(collection).createIndex(key, {
    name,
    ...(expireAfterSeconds === undefined ? {} : { expireAfterSeconds }),
    ...(partialFilter === undefined ? {} : { partialFilterExpression: partialFilter }),
  });
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
