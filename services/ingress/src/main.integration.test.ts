import { createHmac, randomUUID } from 'node:crypto';
import { createConnectionStore } from '@notion-mirror/mirror-store/connection-store';
import { createSpool } from '@notion-mirror/mirror-store/spool';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { send, type HttpAnswer } from './testing/http-client.ts';
import { startIngressProcess, type IngressProcess } from './testing/ingress-process.ts';
import { databaseDeleted, nangoKey } from './testing/samples.ts';
import { openSandbox, type Sandbox, type SandboxDatabase } from './testing/sandbox.ts';
import { startTcpProxy, type TcpProxy } from './testing/tcp-proxy.ts';
import { startTopicReader, type TopicReader } from './testing/topic-reader.ts';

const stack = inject('stack');

let sandbox: Sandbox;
let database: SandboxDatabase;
let events: TopicReader;
const running: IngressProcess[] = [];
const proxies: TcpProxy[] = [];

beforeAll(async () => {
  sandbox = await openSandbox(stack);
  database = await sandbox.newDatabase();
  events = await startTopicReader(sandbox.kafka, sandbox.topics.events);
  await createConnectionStore(database.mongo.db).add({
    connectionId: 'c-acme',
    providerConfigKey: 'notion',
    workspaceId: 'acme',
    notionWorkspaceId: databaseDeleted.workspace_id,
    botId: null,
    token: null,
  });
});

afterEach(async () => {
  for (const ingress of running.splice(0)) {
    ingress.kill('SIGKILL');
    await ingress.exited;
  }
  for (const proxy of proxies.splice(0)) await proxy.close();
});

afterAll(async () => {
  await events.stop();
  await sandbox.close();
});

function start(env: Record<string, string> = {}): IngressProcess {
  const ingress = startIngressProcess({
    MIRROR_KAFKA_BROKERS: stack.kafkaBrokers,
    MIRROR_SCHEMA_REGISTRY_URL: stack.schemaRegistryUrl,
    MIRROR_MONGODB_URI: database.uri(),
    MIRROR_TOPIC_PREFIX: sandbox.prefix,
    MIRROR_NANGO_SIGNING_KEYS: `old,${nangoKey}`,
    ...env,
  });
  running.push(ingress);
  return ingress;
}

const timeout = { timeout: 60_000 };

const probe = async (ingress: IngressProcess, path: '/livez' | '/readyz' | '/metrics') => {
  const response = await fetch(`http://127.0.0.1:${ingress.port('operations port listens')}${path}`);
  return { status: response.status, text: await response.text() };
};

async function untilReady(ingress: IngressProcess): Promise<void> {
  await expect.poll(() => ingress.port('operations port listens'), timeout).toBeGreaterThan(0);
  await expect.poll(() => probe(ingress, '/readyz'), timeout).toMatchObject({ status: 200 });
  await expect.poll(() => ingress.port('public port listens'), timeout).toBeGreaterThan(0);
}

async function post(ingress: IngressProcess, id: string): Promise<HttpAnswer> {
  const event = { ...databaseDeleted, id };
  const body = JSON.stringify({ connectionId: 'c-acme', from: 'notion', payload: event, providerConfigKey: 'notion', type: 'forward' });
  const signature = createHmac('sha256', nangoKey).update(body).digest('hex');
  return send(ingress.port('public port listens'), '/webhooks/nango', {
    body,
    headers: { 'content-type': 'application/json', 'x-nango-hmac-sha256': signature },
  });
}

const isOnLog = (id: string) => events.records.some(({ headers }) => headers['ce_id'] === id);

test('serves, and on SIGTERM exits with every answered event on the log', async () => {
  const ingress = start();
  await untilReady(ingress);
  expect(await probe(ingress, '/livez')).toMatchObject({ status: 200 });
  const answers: { id: string; answer: HttpAnswer | null }[] = [];
  const pour = async () => {
    while (answers.every(({ answer }) => answer !== null)) {
      const id = randomUUID();
      const answer = await post(ingress, id).catch(() => null);
      answers.push({ id, answer });
    }
  };
  const senders = Promise.all(Array.from({ length: 8 }, pour));
  await expect.poll(() => answers.length).toBeGreaterThan(50);
  const metrics = await probe(ingress, '/metrics');
  expect(metrics.text).toMatch(/notion_mirror_ingress_requests_total\{route="nango",answer="accepted",service="ingress"\} \d+/);
  expect(metrics.text).toContain('notion_mirror_ingress_events_total{type="database.deleted",outcome="accepted",service="ingress"}');
  expect(metrics.text).toContain('notion_mirror_ingress_spool_waiting_records{service="ingress"} 0');
  // A stop that takes too long would exit with another code.
  ingress.kill('SIGTERM');
  expect(await ingress.exited).toEqual({ code: 0, signal: null });
  await senders;
  const answered = answers.filter(({ answer }) => answer !== null);
  expect(new Set(answered.map(({ answer }) => answer?.status))).toEqual(new Set([200]));
  await expect.poll(() => answered.filter(({ id }) => !isOnLog(id)), timeout).toEqual([]);
  expect(ingress.lines.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
  expect(ingress.lines.filter(({ eventId }) => eventId === answered[0]?.id)).toMatchObject([
    { workspaceId: 'acme', databaseId: databaseDeleted.entity.id, msg: 'event accepted', to: 'log' },
  ]);
});

test('waits for MongoDB, live but not ready', async () => {
  const proxy = await startTcpProxy(sandbox.mongodb);
  proxies.push(proxy);
  proxy.cut();
  const ingress = start({ MIRROR_MONGODB_URI: database.uri(proxy.port) });
  await expect.poll(() => ingress.lines.some(({ msg }) => msg === 'waiting for MongoDB'), timeout).toBe(true);
  expect(await probe(ingress, '/livez')).toMatchObject({ status: 200 });
  expect(await probe(ingress, '/readyz')).toMatchObject({ status: 503, text: expect.stringContaining('MongoDB') as string });
  proxy.restore();
  await untilReady(ingress);
  const id = randomUUID();
  expect((await post(ingress, id)).status).toBe(200);
  await expect.poll(() => isOnLog(id), timeout).toBe(true);
});

test('accepts events before Kafka is up, is not ready until then, and still stops on SIGTERM', async () => {
  const proxy = await startTcpProxy({ host: '127.0.0.1', port: 1 });
  proxies.push(proxy);
  proxy.cut();
  const ingress = start({ MIRROR_KAFKA_BROKERS: `127.0.0.1:${proxy.port}` });
  await expect.poll(() => ingress.port('public port listens'), timeout).toBeGreaterThan(0);
  expect(await probe(ingress, '/readyz')).toMatchObject({ status: 503, text: expect.stringContaining('Kafka') as string });
  const id = randomUUID();
  expect(await post(ingress, id)).toMatchObject({ status: 200, json: { status: 'accepted', eventId: id } });
  ingress.kill('SIGTERM');
  expect(await ingress.exited).toEqual({ code: 0, signal: null });
  expect(isOnLog(id)).toBe(false);

  // Any instance that reaches Kafka drains the events spooled by another.
  await untilReady(start());
  await expect.poll(() => isOnLog(id), timeout).toBe(true);
  await expect.poll(() => createSpool(database.mongo.db).count(), timeout).toBe(0);
});

test('an invalid configuration is reported and exits with 78', async () => {
  const ingress = start({ MIRROR_HTTP_PORT: 'eighty' });
  expect(await ingress.exited).toEqual({ code: 78, signal: null });
});

test('a port in use makes it exit', async () => {
  const first = start();
  await untilReady(first);
  const second = start({ MIRROR_HTTP_PORT: String(first.port('public port listens')) });
  expect(await second.exited).toEqual({ code: 1, signal: null });
  expect(second.lines.some(({ level }) => level === 'fatal')).toBe(true);
});
