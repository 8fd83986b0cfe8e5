import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { AccessibleDataSource } from '@notion-mirror/domain/database-content';
import { deadLetterRecord } from '@notion-mirror/event-log/dead-letters';
import { createEventCodec } from '@notion-mirror/event-log/event-codec';
import { toRecord } from '@notion-mirror/event-log/event-record';
import { createPublisher } from '@notion-mirror/event-log/publisher';
import { eventOf, isolatedLog, silent } from '@notion-mirror/event-log/testing/isolated-log';
import { topicsFor } from '@notion-mirror/event-log/topics';
import { openMongo, type Mongo } from '@notion-mirror/mirror-store/client';
import { openDataSourceContents } from '@notion-mirror/mirror-store/data-source-contents';
import { databaseStorage } from '@notion-mirror/mirror-store/entities/database';
import { rowStorage } from '@notion-mirror/mirror-store/entities/row';
import { createRecordStore } from '@notion-mirror/mirror-store/records/record-store';
import { createHandshakeStore } from '@notion-mirror/mirror-store/handshake-store';
import { Registry } from '@notion-mirror/service-kit/metrics';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { someContent } from '../../packages/mirror-store/test/databases.ts';
import { someRow } from '../../packages/mirror-store/test/rows.ts';
import { startHttpServer } from '../../packages/operations/test/http-server.ts';
import { mirror } from '../test/surroundings.ts';

// A changed name, order or form of a field can break scripts. For an intended change: `npm test -- cli/src/json-output -u`.

const stack = inject('stack');
const database = `json_${randomUUID().slice(0, 8)}`;
const notionWorkspace = '13950b26-c203-4f3b-b97d-93ec06319565';
const databaseId = '248104cd-477e-80fd-b757-e945d38000bd';
const source = '263104cd-477e-804b-8c32-000b2fcd241a';
const page = '0f3b2c1d-5a6e-4b7c-8d9e-000000000001';
const event = '367cba44-b6f3-4c92-81e7-6a2e9659efd4';
const log = isolatedLog(stack);
const topics = topicsFor(log.prefix);
const encryptionKey = Buffer.alloc(32, 7);

let mongo: Mongo;
let env: Record<string, string>;
let notion: Awaited<ReturnType<typeof startHttpServer>>;

beforeAll(async () => {
  const uri = new URL(stack.mongodbUri);
  uri.pathname = `/${database}`;
  mongo = await openMongo(uri.href, { appName: 'json-test' });
  notion = await startHttpServer(({ url, method }) => {
    if (method === 'POST') return { status: 200, body: { object: 'list', results: [], has_more: false, next_cursor: null } };
    return url?.includes('/users/me') === true
      ? { status: 401, body: { object: 'error', status: 401, code: 'unauthorized', message: 'API token is invalid.' } }
      : { status: 404, body: { object: 'error', status: 404, code: 'object_not_found', message: 'Could not find it.' } };
  });
  env = {
    MIRROR_KAFKA_BROKERS: stack.kafkaBrokers,
    MIRROR_KAFKA_PARTITIONS: '2',
    MIRROR_SCHEMA_REGISTRY_URL: stack.schemaRegistryUrl,
    MIRROR_MONGODB_URI: uri.href,
    MIRROR_TOPIC_PREFIX: log.prefix,
    MIRROR_NOTION_API_URL: notion.url,
    MIRROR_NANGO_SIGNING_KEYS: 'a-signing-secret',
    MIRROR_ENCRYPTION_KEY: encryptionKey.toString('base64'),
    MIRROR_OPERATOR: 'ann@example.com',
  };
});

afterAll(async () => {
  await log.remove();
  await mongo.db.dropDatabase();
  await Promise.all([mongo.close(), notion[Symbol.asyncDispose]()]);
});

/** The output with values that differ from run to run replaced. */
function settled(stdout: string): string {
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.stringify(JSON.parse(line), null, 2));
  const names: readonly [string, string][] = [
    [log.prefix, '<prefix>'],
    [database, '<database>'],
    [new URL(stack.mongodbUri).host, '<mongodb>'],
    [stack.kafkaBrokers, '<kafka>'],
    [stack.schemaRegistryUrl, '<registry>'],
    [notion.url, '<notion>'],
  ];
  return `${names
    .reduce((text, [is, shown]) => text.replaceAll(is, shown), lines.join('\n'))
    .replaceAll(/\d{4}-\d{2}-\d{2}T[\d:.]+Z/g, '<time>')
    .replaceAll(/"id": (?:\d+|"[0-9a-f]{8}-[0-9a-f-]{27}"|"[0-9a-f]{24}")/g, '"id": "<id>"')
    .replaceAll(/"lagSeconds": \d+/g, '"lagSeconds": "<seconds>"')
    .replaceAll(/\(id \d+\)/g, '(id <id>)')
    .replaceAll(/"cancelled": "[^"]+"/g, '"cancelled": "<id>"')
    .replaceAll(/answers in \d+ ms/g, 'answers in <ms> ms')
    .replaceAll(/MongoDB \d+\.\d+\.\d+/g, 'MongoDB <version>')}\n`;
}

interface Step {
  readonly name: string;
  readonly args: readonly string[];
  readonly env?: Record<string, string>;
  readonly stdin?: string;
  readonly before?: () => Promise<unknown>;
}

async function putDeadLetter(): Promise<void> {
  const codec = await createEventCodec({ schemaRegistry: log.schemaRegistry, subject: topics.eventsSubject });
  const publisher = await createPublisher({ kafka: log.kafka, logger: silent, metrics: new Registry(), deadlineMs: 30_000 });
  const { value, headers } = toRecord({ topic: topics.events, event: eventOf({ workspaceId: 'acme', eventId: event }), codec });
  const record = {
    topic: topics.events,
    partition: 1,
    offset: 42n,
    timestamp: Date.parse('2026-01-02T03:04:05.678Z'),
    key: Buffer.from('acme'),
    value,
    headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, String(text)])),
  };
  const failedAt = new Date();
  await publisher.publish(
    deadLetterRecord({
      topic: topics.deadLetters,
      record,
      failure: { class: 'poison', code: 'undecodable', message: 'bad bytes' },
      attempts: 3,
      firstFailedAt: failedAt,
      failedAt,
      service: 'sync-worker',
      group: `${log.prefix}notion-mirror.sync-worker`,
    }),
  );
  await publisher.stop();
}

async function putDocument(): Promise<void> {
  const records = createRecordStore(databaseStorage, { db: mongo.db, metrics: new Registry() });
  const at = new Date('2026-01-02T03:04:05.678Z');
  await records.writeLive({
    workspaceId: 'acme',
    id: databaseId,
    expected: await records.read({ workspaceId: 'acme', id: databaseId }),
    content: someContent({ title: 'Tasks' }),
    connectionId: 'own',
    asOf: at,
    lastEvent: { id: event, type: 'database.created', occurredAt: at },
  });
}

/** A database with a row, which a sync-worker has followed. */
async function putRows(): Promise<void> {
  const deps = { db: mongo.db, metrics: new Registry() };
  const [workspaceId, connectionId, asOf] = ['globex', 'own', new Date('2026-01-02T03:04:05.678Z')];
  const [tasks] = someContent().dataSources as [AccessibleDataSource];
  const content = someContent({ title: 'Tasks', dataSources: [{ ...tasks, id: source }] });
  const lastEvent = { id: event, type: 'database.created', occurredAt: asOf };
  const written = { workspaceId, expected: null, connectionId, asOf };
  await createRecordStore(databaseStorage, deps).writeLive({ ...written, id: databaseId, content, lastEvent });
  const row = someRow({ databaseId, dataSourceId: source });
  await createRecordStore(rowStorage, deps).writeLive({ ...written, id: page, content: row, lastEvent: null, seenBy: 'query' });
  await openDataSourceContents(mongo.db).follow({ workspaceId, databaseId }, [{ dataSourceId: source, schema: 'x' }]);
}

async function renameProperty(): Promise<void> {
  const records = createRecordStore(databaseStorage, { db: mongo.db, metrics: new Registry() });
  const ref = { workspaceId: 'globex', id: databaseId };
  const [tasks] = someContent().dataSources as [AccessibleDataSource];
  const properties = tasks.properties.map((property) => (property.id === 'title' ? { ...property, name: 'Task' } : property));
  const content = someContent({ title: 'Tasks', dataSources: [{ ...tasks, id: source, properties }] });
  const asOf = new Date('2026-01-02T03:05:05.678Z');
  const lastEvent = { id: event, type: 'data_source.schema_updated', occurredAt: asOf };
  await records.writeLive({ ...ref, expected: await records.read(ref), content, connectionId: 'own', asOf, lastEvent });
}

const add = ['connections', 'add', 'own', '--workspace-id', 'acme', '--notion-workspace-id', notionWorkspace];

/** In order: each step builds on the state left by the previous ones. */
const steps: readonly Step[] = [
  { name: 'doctor-before-init', args: ['doctor'] },
  { name: 'init', args: ['init'] },
  { name: 'init-again', args: ['init'] },
  { name: 'status-of-nothing', args: ['status'] },
  { name: 'connections-add', args: [...add, '--token-file', '-'], stdin: 'ntn_of_acme' },
  { name: 'connections-add-taken', args: ['connections', 'add', 'own', '--provider-config-key', 'notion-eu', '--workspace-id', 'other'] },
  { name: 'connections-pause', args: ['connections', 'pause', 'own', '--reason', 'asked for'] },
  { name: 'connections-resume', args: ['connections', 'resume', 'own'] },
  { name: 'connections-resume-unknown', args: ['connections', 'resume', 'umbrella'] },
  { name: 'connections-list', args: ['connections', 'list'] },
  { name: 'explain-nothing-known', args: ['explain', databaseId, '--no-notion'] },
  { name: 'explain-not-shared', args: ['explain', databaseId], before: putDocument },
  { name: 'explain-usage', args: ['explain', databaseId, '--last', '0'] },
  { name: 'verify', args: ['verify', 'acme', '--grace', '0'] },
  { name: 'verify-fix', args: ['verify', 'acme', '--grace', '0', '--fix'] },
  { name: 'verify-unknown', args: ['verify', 'umbrella'] },
  { name: 'dead-letters-list', args: ['dead-letters', 'list', '--records'], before: putDeadLetter },
  { name: 'dead-letters-plan', args: ['dead-letters', 'redrive', '--all', '--dry-run'] },
  { name: 'dead-letters-drop', args: ['dead-letters', 'drop', '--all', '--yes'] },
  { name: 'dead-letters-unknown', args: ['dead-letters', 'show', '0:4711'] },
  { name: 'status', args: ['status'] },
  { name: 'replay-plan-events', args: ['replay', 'plan'] },
  { name: 'replay-plan-states', args: ['replay', 'plan', '--from-states'] },
  { name: 'replay-run-events', args: ['replay', 'run', '--yes'] },
  { name: 'replay-run-shadow', args: ['replay', 'run', '--from-states', '--shadow', '--yes'] },
  { name: 'replay-status', args: ['replay', 'status'] },
  { name: 'replay-diff', args: ['replay', 'diff'] },
  { name: 'replay-cancel-none', args: ['replay', 'cancel'] },
  { name: 'reconcile-status', args: ['reconcile', 'status'] },
  { name: 'reconcile-run-unknown', args: ['reconcile', 'run', 'umbrella'] },
  { name: 'doctor', args: ['doctor'] },
  { name: 'handshake-show-none', args: ['handshake', 'show'] },
  {
    name: 'handshake-status',
    args: ['handshake', 'status'],
    before: async () => createHandshakeStore({ db: mongo.db, encryptionKey }).keepOnce('notion', 'secret_of_a_handshake'),
  },
  { name: 'handshake-reset', args: ['handshake', 'reset'] },
  { name: 'connections-remove', args: ['connections', 'remove', 'own', '--yes'] },
  { name: 'purge-plan', args: ['connections', 'purge', '--workspace-id', 'acme', '--dry-run'] },
  { name: 'purge', args: ['connections', 'purge', '--workspace-id', 'acme', '--yes', '--reason', 'ticket 4711'] },
  { name: 'rows-status-of-nothing', args: ['rows', 'status'] },
  { name: 'rows-status', args: ['rows', 'status', source], before: putRows },
  { name: 'rows-list', args: ['rows', 'list', source, '--where', 'Name~ale'] },
  { name: 'verify-rows', args: ['verify', '--rows', source, '--grace', '0'] },
  { name: 'rows-scan', args: ['rows', 'scan', source, '--no-wait'] },
  { name: 'rows-scan-unknown', args: ['rows', 'scan', 'initrode'] },
  { name: 'rows-off-plan', args: ['rows', 'off', source, '--dry-run'] },
  { name: 'rows-off', args: ['rows', 'off', source, '--yes'] },
  { name: 'rows-on', args: ['rows', 'on', source] },
  { name: 'schema-history', args: ['schema', 'history', source], before: renameProperty },
  { name: 'schema-history-unknown', args: ['schema', 'history', page] },
  { name: 'explain-schema', args: ['explain', source, '--no-notion', '--workspace-id', 'globex'] },
  { name: 'audit-list', args: ['audit', 'list', '--last', '100'] },
  { name: 'bad-configuration', args: ['status'], env: { MIRROR_KAFKA_SSL: 'yes' } },
];

test.each(steps)('$name', async ({ name, args, env: change, stdin, before }) => {
  await before?.();
  const { code, stdout } = await mirror([...args, '--json'], { env: { ...env, ...change }, ...(stdin === undefined ? {} : { stdin }) });
  await expect(`// mirror ${args.join(' ')}\n// exit code ${code}\n${settled(stdout)}`).toMatchFileSnapshot(
    join(import.meta.dirname, `../test/json-output/${name}.txt`),
  );
});
