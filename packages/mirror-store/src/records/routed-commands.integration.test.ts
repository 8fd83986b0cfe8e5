import type { AccessibleDataSource } from '@notion-mirror/domain/database-content';
import { Registry } from '@notion-mirror/service-kit/metrics';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { someContent } from '../../test/databases.ts';
import { openTestDatabase, someLayout } from '../../test/mongo.ts';
import { openRecorded, unroutedFilters } from '../../test/routed-commands.ts';
import { someRow } from '../../test/rows.ts';
import { createDatabasesListing } from '../entities/database-sources.ts';
import { databaseStorage } from '../entities/database.ts';
import { createFollowedSources } from '../entities/followed-sources.ts';
import { openHeldDatabases } from '../entities/held-databases.ts';
import { findHeldSources } from '../entities/held-sources.ts';
import { openNamingRows } from '../entities/naming-rows.ts';
import { readRelations } from '../entities/relations.ts';
import { openRowRecords } from '../entities/row-records.ts';
import { rowStorage } from '../entities/row.ts';
import { createLiveRowsOf, removeLiveRows } from '../entities/rows-of-source.ts';
import { openShownRows } from '../entities/shown-rows.ts';
import { initMongo } from '../init.ts';
import { openTenantData } from '../tenant-data.ts';
import { openMirroredDocuments } from './mirrored-documents.ts';
import { createRecordRestorer } from './record-restorer.ts';
import { createRecordStore } from './record-store.ts';
import { stateOf } from './record-state.ts';
import { recordsInDatabase } from './records-in-database.ts';

// A sharded MongoDB routes a command by the shard key, which is `_id`. Without a condition on it, all shards are asked for the documents of one tenant.

let mongo: Awaited<ReturnType<typeof openTestDatabase>>;
let recorded: Awaited<ReturnType<typeof openRecorded>>;
beforeAll(async () => {
  mongo = await openTestDatabase();
  await initMongo(mongo.db, someLayout);
  recorded = await openRecorded(mongo.name);
});
afterAll(async () => {
  await recorded.close();
  await mongo.drop();
});

const workspaceId = 'acme';
const asOf = new Date('2026-01-01T00:00:00.000Z');
const source = { workspaceId, dataSourceId: 'source-1' };
const record = { connectionId: 'c', asOf, lastEvent: null };
const metrics = new Registry();

async function drain(found: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of found);
}

/** Of the commands since the last call: what those on sharded collections select without the shard key. Null: there was none. */
function unrouted(): unknown[] | null {
  const commands = recorded.commands();
  return commands.length === 0 ? null : commands.flatMap(unroutedFilters);
}

test('every read and write of a record names its shard key', async () => {
  const records = createRecordStore(databaseStorage, { db: recorded.db, metrics });
  const ref = { workspaceId, id: 'd1' };
  const live = async (properties: AccessibleDataSource['properties']) => {
    const [tasks] = someContent().dataSources as [AccessibleDataSource];
    const content = someContent({ dataSources: [{ ...tasks, properties }] });
    expect(await records.writeLive({ ...ref, ...record, expected: await records.read(ref), content })).toEqual({ kind: 'written' });
  };
  const property = { id: 'p', name: 'Price', type: 'number', description: null, config: {} };
  await live([property]);
  // With its history, in a transaction.
  await live([{ ...property, name: 'Cost' }]);
  await records.setListed({ ...ref, expected: await records.read(ref), isListed: false });
  const tombstone = { asOf, source: 'delete', reason: 'deleted', eventId: 'e' } as const;
  await records.writeTombstone({ ...ref, ...tombstone, expected: await records.read(ref) });
  await records.touch({ ...ref, expected: await records.read(ref) });
  await records.liveIds(workspaceId);
  const stored = await mongo.db.collection<{ _id: string; rev: number }>('database_records').findOne({ _id: 'acme:d1' });
  for (const into of ['mirror', 'shadow'] as const) {
    const restore = createRecordRestorer(recorded.db, databaseStorage, { toleranceMs: 0, into });
    await restore([{ state: stateOf(databaseStorage, stored!), place: { partition: 0, offset: 1 } }]);
    await restore([{ state: { kind: 'erased', ...ref, at: new Date() }, place: { partition: 0, offset: 2 } }]);
  }
  expect(unrouted()).toEqual([]);
});

test('so do the reads of a tenant', async () => {
  const { db } = recorded;
  const listing = createDatabasesListing({ db, metrics });
  await Promise.all([listing(workspaceId, 'source-1'), listing('globex', 'source-2')]);
  await createFollowedSources({ db, metrics })(workspaceId, 'd1');
  const held = openHeldDatabases(db);
  await held.list(workspaceId);
  await held.answers(workspaceId, ['d1']);
  await readRelations(db, workspaceId);
  await findHeldSources(db, { workspaceId });
  const documents = openMirroredDocuments(db, databaseStorage);
  await documents.read({ workspaceId, id: 'd1' });
  await documents.versions(workspaceId, ['d1']);
  await recordsInDatabase(db, rowStorage, 'd1', ['acme:p1']);
  expect(unrouted()).toEqual([]);
});

test('so do those of the rows of a data source', async () => {
  const { db } = recorded;
  const records = createRecordStore(rowStorage, { db, metrics });
  await records.writeLive({ workspaceId, id: 'p1', ...record, expected: null, content: someRow(), seenBy: 'query' });
  const rows = openRowRecords(db);
  for (const partition of ['live', 'archived'] as const) await drain(rows.live(source, { partition, from: null, until: null }));
  await rows.read(workspaceId, ['p1']);
  await rows.count(source);
  await rows.hasRemovedSince(source, asOf);
  const naming = openNamingRows(db);
  await naming.naming(workspaceId, 'p1', ['source-1'], 10);
  await naming.among(workspaceId, ['p1'], 10);
  const shown = openShownRows(db);
  await drain(shown.list(source, [], null));
  await shown.titles(workspaceId, ['p1']);
  const removal = { source, reason: 'trashed', eventId: 'e', now: Date.now } as const;
  expect(await removeLiveRows({ records, liveRowsOf: createLiveRowsOf(db) }, removal, new AbortController().signal)).toBe(1);
  expect(unrouted()).toEqual([]);
});

test('so does the purge of a tenant', async () => {
  const data = openTenantData(recorded.db, [databaseStorage, rowStorage]);
  await data.count(workspaceId);
  await data.silence(workspaceId, 'purged');
  await data.erase(workspaceId);
  expect(unrouted()).toEqual([]);
});

test('a tenant whose name begins with that of another one stays apart', async () => {
  const records = createRecordStore(databaseStorage, { db: recorded.db, metrics });
  // Such tenants are from before `mirror` refused colons.
  for (const tenant of ['abc', 'abcd', 'abc:x', 'ab', 'abc;']) {
    await records.writeLive({ workspaceId: tenant, id: `of-${tenant}`, ...record, expected: null, content: someContent() });
  }
  expect(await records.liveIds('abc')).toEqual(['of-abc']);
  expect(await records.liveIds('abc:x')).toEqual(['of-abc:x']);
});
