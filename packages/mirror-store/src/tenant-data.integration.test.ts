import { Registry } from '@notion-mirror/service-kit/metrics';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DatabaseContent } from '@notion-mirror/domain/database-content';
import { someContent } from '../test/databases.ts';
import { openTestDatabase } from '../test/mongo.ts';
import { createConnectionStore } from './connection-store.ts';
import { databaseStorage } from './entities/database.ts';
import { createRecordStore } from './records/record-store.ts';
import { createSpool } from './spool.ts';
import { createSweepLedger } from './sweep-ledger.ts';
import { openTenantData } from './tenant-data.ts';

let mongo: Awaited<ReturnType<typeof openTestDatabase>>;
let records: ReturnType<typeof openStore>;
const openStore = () => createRecordStore(databaseStorage, { db: mongo.db, metrics: new Registry() });
beforeAll(async () => {
  mongo = await openTestDatabase();
  records = openStore();
});
afterAll(async () => {
  await mongo.drop();
});

const write = async (workspaceId: string, databaseId: string, content: DatabaseContent = someContent()) =>
  records.writeLive({
    workspaceId,
    id: databaseId,
    expected: await records.read({ workspaceId: workspaceId, id: databaseId }),
    content,
    connectionId: `${workspaceId}-connection`,
    asOf: new Date(),
    lastEvent: { id: 'e1', type: 'database.created', occurredAt: new Date() },
  });

const renamed = someContent({
  dataSources: someContent().dataSources.map((source) =>
    'accessible' in source ? source : { ...source, properties: source.properties.map((property) => ({ ...property, name: 'Renamed' })) },
  ),
});

test('erases everything of one tenant and nothing of another; a fetch in flight is not written', async () => {
  const { db } = mongo;
  const tenants = openTenantData(db, [databaseStorage]);
  for (const workspaceId of ['acme', 'acme-2']) {
    const connection = {
      connectionId: `${workspaceId}-connection`,
      providerConfigKey: 'notion',
      workspaceId,
      notionWorkspaceId: 'n',
      botId: null,
    };
    await createConnectionStore(db).add({ ...connection, token: 'v1.encrypted' });
    await write(workspaceId, 'd1');
    await write(workspaceId, 'd1', renamed);
    await createSpool(db).store({ topic: 't', key: workspaceId, value: Buffer.from('v'), headers: {} });
    await createSweepLedger(db).claim({ workspaceId, activation: new Date() }, 'worker', 60_000);
  }
  const all = {
    connections: 1,
    data_source_contents: 0,
    database_records: 1,
    event_outcomes: 0,
    parked_events: 0,
    planned_reads: 0,
    replays: 0,
    rows_off: 0,
    schema_changes: 1,
    shadow_records: 0,
    spooled_events: 1,
    sweeps: 1,
    tenant_signs: 0,
  };
  expect(await tenants.count('acme')).toEqual(all);

  const readBefore = await records.read({ workspaceId: 'acme', id: 'd1' });
  await tenants.silence('acme', 'purged');
  const inFlight = {
    workspaceId: 'acme',
    id: 'd1',
    expected: readBefore,
    content: someContent(),
    connectionId: 'c',
    asOf: new Date(),
  };
  const late = await records.writeLive({ ...inFlight, lastEvent: { id: 'e2', type: 'database.moved', occurredAt: new Date() } });
  expect(late).toEqual({ kind: 'conflict' });
  expect(JSON.stringify(await db.collection('database_records').findOne({ workspaceId: 'acme' }))).not.toContain('Tasks');
  expect(await createConnectionStore(db).list('acme')).toMatchObject([{ status: 'deleted', token: null, statusReason: 'purged' }]);

  expect(await tenants.erase('acme')).toMatchObject({ database_records: 1, sweeps: 1, spooled_events: 0 });
  expect(await tenants.eraseConnections('acme')).toEqual({ connections: 1 });
  const nothing = Object.fromEntries(Object.keys(all).map((name) => [name, 0]));
  expect(await tenants.count('acme')).toEqual(nothing);
  expect(await tenants.count('acme-2')).toEqual(all);
});
