import { createHmac, randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { Writable } from 'node:stream';
import { createEventCodec } from '@notion-mirror/event-log/event-codec';
import { createPublisher } from '@notion-mirror/event-log/publisher';
import { openMongo } from '@notion-mirror/mirror-store/client';
import { openConnectionDirectory } from '@notion-mirror/mirror-store/connection-directory';
import { createConnectionStore } from '@notion-mirror/mirror-store/connection-store';
import { createConnectionNotices } from '@notion-mirror/mirror-store/connection-notices';
import { createHandshakeStore } from '@notion-mirror/mirror-store/handshake-store';
import { openMissedRows } from '@notion-mirror/mirror-store/missed-rows';
import { createOutcomeKeeper } from '@notion-mirror/mirror-store/outcome-keeper';
import { openRowsSwitch } from '@notion-mirror/mirror-store/rows-switch';
import { createSpool } from '@notion-mirror/mirror-store/spool';
import { createLogger } from '@notion-mirror/service-kit/logger';
import { createMetrics } from '@notion-mirror/service-kit/metrics';
import { tracingOff } from '@notion-mirror/service-kit/tracing/tracing';
import * as fc from 'fast-check';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { followRowsSwitch } from './follow-rows-switch.ts';
import { limits, startIngress, type Ingress } from './ingress.ts';
import { send, type HttpAnswer } from './testing/http-client.ts';
import { pathsOf, replaceAt } from './testing/json-paths.ts';
import {
  authCreation,
  databaseDeleted,
  forwardedSchemaUpdate,
  handshake,
  linkedDatabaseCreated,
  nangoKey,
  notionToken,
  rowEvents,
} from './testing/samples.ts';
import { letRowsIn, openSandbox, type Sandbox, type SandboxDatabase } from './testing/sandbox.ts';
import { startTcpProxy, type TcpProxy } from './testing/tcp-proxy.ts';
import { createForeignDecoder, startTopicReader, type ReadRecord, type TopicReader } from './testing/topic-reader.ts';

const stack = inject('stack');
const notionWorkspaceId: string = databaseDeleted.workspace_id;
const anotherKey = 'another-signing-key';
const configuredToken = 'secret_configured';

let sandbox: Sandbox;
let events: TopicReader;
let deadLetters: TopicReader;
let decode: (value: Buffer) => Promise<unknown>;
const cleanups: (() => Promise<void>)[] = [];

beforeAll(async () => {
  sandbox = await openSandbox(stack);
  events = await startTopicReader(sandbox.kafka, sandbox.topics.events);
  deadLetters = await startTopicReader(sandbox.kafka, sandbox.topics.deadLetters);
  decode = createForeignDecoder(stack.schemaRegistryUrl);
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

afterAll(async () => {
  await events.stop();
  await deadLetters.stop();
  await sandbox.close();
});

interface Running {
  readonly ingress: Ingress;
  readonly log: () => string;
  /** Events by type and outcome, as the metric counts them. */
  readonly counted: () => Promise<Readonly<Record<string, number>>>;
  readonly nango: (body: unknown, key?: string) => Promise<HttpAnswer>;
  readonly notion: (body: unknown, token?: string) => Promise<HttpAnswer>;
}

/** An auth webhook of Nango. */
function aboutConnection(change: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return { ...(JSON.parse(authCreation.toString()) as Record<string, unknown>), ...change };
}

/** The ingress as its main.ts builds it, with connections that can be cut. */
async function start(
  database: SandboxDatabase,
  options: { tokens?: string[]; handshake?: 'first' | 'off'; mongodbPort?: number; kafkaProxy?: TcpProxy; rows?: 'on' | 'off' } = {},
): Promise<Running> {
  let text = '';
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  const logger = createLogger({ service: 'ingress', level: 'debug', destination });
  const metrics = createMetrics('ingress');
  const { proxy, kafka } = { proxy: options.kafkaProxy, kafka: sandbox.kafka };
  const mongo = await openMongo(database.uri(options.mongodbPort), { appName: 'ingress' });
  cleanups.push(() => mongo.close());
  const directory = await openConnectionDirectory({ db: mongo.db, logger, metrics });
  cleanups.push(() => directory.close());
  const publisher = await createPublisher({
    kafka: proxy === undefined ? kafka : kafkaBehind(proxy),
    logger,
    metrics,
    deadlineMs: limits.publishMs,
    maxWaiting: limits.maxPublishing,
  });
  cleanups.push(() => publisher.stop());
  const outcomes = createOutcomeKeeper({ db: mongo.db, retentionMs: 3_600_000, logger, metrics });
  cleanups.push(() => outcomes.stop());
  const rows = options.rows === 'on' ? await followRowsSwitch(mongo.db, logger) : null;
  if (rows !== null) cleanups.push(() => rows.stop());
  const ingress = await startIngress({
    config: {
      http: { host: '127.0.0.1', port: 0 },
      topicPrefix: sandbox.prefix,
      nangoSigningKeys: [anotherKey, nangoKey],
      notionVerificationTokens: options.tokens ?? [],
      notionHandshake: options.handshake ?? 'first',
    },
    codec: await createEventCodec({ schemaRegistry: sandbox.schemaRegistry, subject: sandbox.topics.eventsSubject }),
    publisher,
    directory,
    handshakes: createHandshakeStore({ db: mongo.db, encryptionKey: null }),
    spool: createSpool(mongo.db),
    notices: createConnectionNotices(mongo.db),
    rows,
    tracing: tracingOff,
    missedRows: openMissedRows(mongo.db),
    outcomes,
    metrics,
    logger,
  });
  cleanups.push(
    () => ingress.stopDraining(),
    () => ingress.stopServing(),
  );
  const json = { 'content-type': 'application/json' };
  return {
    ingress,
    log: () => text,
    counted: async () => {
      const { values } = (await metrics.getSingleMetric('notion_mirror_ingress_events_total')?.get()) ?? { values: [] };
      return Object.fromEntries(values.map(({ labels, value }) => [`${labels['type']} ${labels['outcome']}`, value]));
    },
    nango: (body, key = nangoKey) => {
      const raw = bytesOf(body);
      return send(ingress.port, '/webhooks/nango', { body: raw, headers: { ...json, 'x-nango-hmac-sha256': hmac(raw, key) } });
    },
    notion: (body, token) => {
      const raw = bytesOf(body);
      const signature = token === undefined ? {} : { 'x-notion-signature': `sha256=${hmac(raw, token)}` };
      return send(ingress.port, '/webhooks/notion', { body: raw, headers: { ...json, ...signature } });
    },
  };
}

/** A client whose connections all go through the proxy, whatever addresses the brokers advertise. */
function kafkaBehind(proxy: TcpProxy): Kafka {
  return new Kafka({
    brokers: [`127.0.0.1:${proxy.port}`],
    socketFactory: ({ onConnect }) => connect({ host: '127.0.0.1', port: proxy.port }, onConnect).setNoDelay(),
    connectionTimeout: 3_000,
    requestTimeout: 10_000,
    retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: 5 },
    logLevel: logLevel.NOTHING,
  });
}

async function proxyTo(target: { host: string; port: number }): Promise<TcpProxy> {
  const proxy = await startTcpProxy(target);
  cleanups.push(() => proxy.close());
  return proxy;
}

function brokerAddress(): { host: string; port: number } {
  const [host = '', port = ''] = stack.kafkaBrokers.split(',')[0]?.split(':') ?? [];
  return { host, port: Number(port) };
}

function bytesOf(body: unknown): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
}

function hmac(raw: Buffer, key: string): string {
  return createHmac('sha256', key).update(raw).digest('hex');
}

async function addConnection(
  database: SandboxDatabase,
  connectionId: string,
  workspaceId: string,
  botId: string | null = null,
  of = notionWorkspaceId,
) {
  await createConnectionStore(database.mongo.db).add({
    connectionId,
    providerConfigKey: 'notion',
    workspaceId,
    notionWorkspaceId: of,
    botId,
    token: null,
  });
}

const newEvent = (change: Record<string, unknown> = {}) => ({ ...databaseDeleted, id: randomUUID(), ...change });

const forwarded = (payload: unknown, connectionId?: string) => ({
  connectionId,
  from: 'notion',
  payload,
  providerConfigKey: 'notion',
  type: 'forward',
});

const recordsOf = (eventId: string): readonly ReadRecord[] => events.records.filter(({ headers }) => headers['ce_id'] === eventId);

async function readBack(eventId: string, howMany = 1): Promise<readonly ReadRecord[]> {
  await expect.poll(() => recordsOf(eventId).length).toBe(howMany);
  return recordsOf(eventId).toSorted((one, other) => (String(one.key) < String(other.key) ? -1 : 1));
}

const ignored = (reason: string) => ({ status: 200, json: { status: 'ignored', reason } });

const askFor = (token: string) => ({ verification_token: token });

const acceptedAs = (eventId: string) => ({ status: 200, json: { status: 'accepted', eventId } });

describe('the contract', () => {
  let database: SandboxDatabase;
  beforeAll(async () => {
    database = await sandbox.newDatabase();
    await addConnection(database, '4f7f7b8e-0c55-4b0e-9f0e-2f6d1f6f8a11', 'acme', '1edc05f6-2702-81b5-8408-00279347f034');
    await addConnection(database, 'c-beta', 'beta');
  });

  test('the documented webhook, byte for byte, becomes a record that a foreign client can read', async () => {
    const running = await start(database);
    const before = Date.now();
    expect(await running.nango(forwardedSchemaUpdate)).toMatchObject(acceptedAs('5496f509-6988-4bab-b6a9-bdce0b720ca0'));
    const [record] = await readBack('5496f509-6988-4bab-b6a9-bdce0b720ca0');
    expect(record?.key).toBe('acme');
    expect(record?.headers).toEqual({
      ce_specversion: '1.0',
      ce_id: '5496f509-6988-4bab-b6a9-bdce0b720ca0',
      ce_type: 'data_source.schema_updated',
      ce_source: '/workspaces/acme/connections/4f7f7b8e-0c55-4b0e-9f0e-2f6d1f6f8a11',
      ce_time: '2026-01-05T23:55:22.243Z',
      'content-type': 'application/avro',
      'mirror-kind': 'sync',
      traceparent: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/),
    });
    const event = await decode(record!.value);
    expect(event).toMatchObject({
      eventId: '5496f509-6988-4bab-b6a9-bdce0b720ca0',
      kind: 'sync',
      type: 'data_source.schema_updated',
      workspaceId: 'acme',
      connectionId: '4f7f7b8e-0c55-4b0e-9f0e-2f6d1f6f8a11',
      providerConfigKey: 'notion',
      notionWorkspaceId,
      databaseId: '263104cd-477e-80ef-8afe-c488d39a5cdb',
      dataSourceId: '263104cd-477e-804b-8c32-000b2fcd241a',
      origin: 'nango',
    });
    const { occurredAt, receivedAt } = event as { occurredAt: string | number; receivedAt: string | number };
    expect(new Date(occurredAt).toISOString()).toBe('2026-01-05T23:55:22.243Z');
    expect(new Date(receivedAt).getTime()).toBeGreaterThanOrEqual(before);
    const [, traceId, spanId] = record?.headers['traceparent']?.split('-') ?? [];
    expect(running.log()).toContain('"eventId":"5496f509-6988-4bab-b6a9-bdce0b720ca0"');
    expect(running.log()).toContain(`"trace_id":"${traceId}","span_id":"${spanId}","trace_flags":"00"`);
  });

  test('two tenants of one Notion workspace get a record each, from every webhook form without a connection', async () => {
    const running = await start(database, { tokens: [configuredToken] });
    for (const [origin, post] of [
      ['nango', running.nango],
      ['nango', (body: unknown) => running.nango(forwarded(body))],
      ['notion', (body: unknown) => running.notion(body, configuredToken)],
    ] as const) {
      const event = newEvent();
      expect(await post(event)).toMatchObject(acceptedAs(event.id));
      const records = await readBack(event.id, 2);
      expect(records.map(({ key }) => key)).toEqual(['acme', 'beta']);
      expect(records.map(({ headers }) => headers['mirror-accessible-by'])).toEqual(Array(2).fill('1edc05f6-2702-81b5-8408-00279347f034'));
      expect(records[0]?.headers['traceparent']).toBe(records[1]?.headers['traceparent']);
      expect(await Promise.all(records.map(({ value }) => decode(value)))).toMatchObject([
        { workspaceId: 'acme', connectionId: '4f7f7b8e-0c55-4b0e-9f0e-2f6d1f6f8a11', kind: 'delete', origin },
        { workspaceId: 'beta', connectionId: 'c-beta', kind: 'delete', origin },
      ]);
    }
  });

  test('a wrapped webhook goes to the connection it names, signed with any of the keys', async () => {
    const running = await start(database);
    const event = newEvent();
    expect(await running.nango(forwarded(event, 'c-beta'), anotherKey)).toMatchObject(acceptedAs(event.id));
    expect((await readBack(event.id)).map(({ key }) => key)).toEqual(['beta']);
  });

  test('a connection added a moment ago counts, a paused one does not', async () => {
    const running = await start(database);
    const connectionId = `c-${randomUUID()}`;
    expect((await running.nango(forwarded(newEvent(), connectionId))).json).toEqual({ status: 'ignored', reason: 'no_active_connection' });
    await addConnection(database, connectionId, 'gamma', null, randomUUID());
    await expect.poll(async () => (await running.nango(forwarded(newEvent(), connectionId))).json).toMatchObject({ status: 'accepted' });
    await createConnectionStore(database.mongo.db).pause(connectionId, null);
    await expect
      .poll(async () => (await running.nango(forwarded(newEvent(), connectionId))).json)
      .toEqual({
        status: 'ignored',
        reason: 'no_active_connection',
      });
  });

  test('an irrelevant event is answered 200 and not stored', async () => {
    const running = await start(database, { tokens: [configuredToken] });
    const linked = { ...linkedDatabaseCreated, id: randomUUID() };
    const page = newEvent({ type: 'view.updated' });
    const elsewhere = newEvent({ workspace_id: randomUUID() });
    for (const post of [running.nango, (body: unknown) => running.notion(body, configuredToken)]) {
      expect(await post(linked)).toMatchObject(ignored('linked_database'));
      expect(await post(page)).toMatchObject(ignored('unsupported_event_type'));
      expect(await post(elsewhere)).toMatchObject(ignored('no_active_connection'));
      expect(await post({ type: 'sync', success: true })).toMatchObject(ignored('unsupported_event_type'));
    }
    expect(await running.nango(forwarded(newEvent(), 'c-unknown'))).toMatchObject(ignored('no_active_connection'));
    expect(await running.nango(aboutConnection({ operation: 'unknown' }))).toMatchObject({ status: 200, json: { status: 'handled' } });
    await nothingWasStored(running, [linked.id, page.id, elsewhere.id]);
  });

  test('the exact bytes of a signed but unreadable webhook are on the dead-letter topic', async () => {
    const running = await start(database, { tokens: [configuredToken] });
    const raw = Buffer.from([0xff, 0x00, 0x7b, 0xc3, 0x28, ...Buffer.from(randomUUID())]);
    const incomplete = bytesOf(newEvent({ entity: { type: 'database' } }));
    const deep = Buffer.from('['.repeat(100_000));
    const largest = Buffer.alloc(2 ** 20, ' ');
    for (const [route, body, code] of [
      ['nango', raw, 'not_utf8'],
      ['notion', incomplete, 'bad_fields'],
      ['nango', deep, 'too_deep'],
      ['notion', largest, 'not_json'],
    ] as const) {
      const answer = await (route === 'nango' ? running.nango(body) : running.notion(body, configuredToken));
      expect(answer).toMatchObject({ status: 200, json: { status: 'quarantined' } });
      const found = () => deadLetters.records.find(({ value }) => value.equals(body));
      await expect.poll(found).toMatchObject({
        key: null,
        headers: {
          'dlq.error.class': 'unreadable',
          'dlq.error.code': code,
          'dlq.route': route,
          'dlq.service': 'ingress',
          'dlq.received_at': expect.stringMatching(/^\d{4}-/),
        },
      });
    }
    expect(running.log()).not.toContain(databaseDeleted.workspace_name);
  });

  test('a missing or wrong signature is answered 401 and nothing is stored', async () => {
    const running = await start(database, { tokens: [configuredToken] });
    const event = newEvent();
    const refused = { status: 401, json: { status: 'refused', reason: 'invalid_signature' } };
    expect(await running.nango(event, 'wrong')).toMatchObject(refused);
    expect(await running.nango(event, configuredToken)).toMatchObject(refused);
    expect(await running.notion(event)).toMatchObject(refused);
    expect(await running.notion(event, nangoKey)).toMatchObject(refused);
    expect(await running.nango(Buffer.from('not json'), 'wrong')).toMatchObject(refused);
    await nothingWasStored(running, [event.id]);
    expect(deadLetters.records.filter(({ value }) => value.toString() === 'not json')).toEqual([]);
  });

  test('requests that are not webhooks', async () => {
    const { ingress } = await start(database);
    const json = { 'content-type': 'application/json' };
    expect((await send(ingress.port, '/webhooks/nango', { method: 'GET' })).status).toBe(405);
    expect((await send(ingress.port, '/webhooks/nango', { body: Buffer.alloc(2 ** 20 + 1), headers: json })).status).toBe(413);
    expect((await send(ingress.port, '/webhooks/nango', { body: '{}', headers: { 'content-type': 'text/plain' } })).status).toBe(415);
    expect((await send(ingress.port, '/metrics', { method: 'GET' })).status).toBe(404);
  });

  test('any signed body is answered 200, any unsigned one 401, and the process survives', async () => {
    const running = await start(database, { tokens: [configuredToken] });
    const event = forwarded(databaseDeleted, 'c-beta');
    const bodies = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      fc.json().map((text) => Buffer.from(text)),
      fc
        .tuple(fc.constantFrom(...pathsOf(event)), fc.jsonValue())
        .map(([path, value]) => Buffer.from(JSON.stringify(replaceAt(event, path, value)))),
    );
    await fc.assert(
      fc.asyncProperty(bodies, fc.constantFrom('nango', 'notion'), fc.boolean(), async (raw, route, isSigned) => {
        const answer =
          route === 'nango' ? running.nango(raw, isSigned ? nangoKey : 'x') : running.notion(raw, isSigned ? configuredToken : 'x');
        expect((await answer).status).toBe(isSigned ? 200 : 401);
      }),
      { numRuns: 300 },
    );
    expect(running.log()).not.toContain('"level":"error"');
    await nothingWasStored(running, []);
  });

  /** Asserts that a later event is on the log and none of these ids is. */
  async function nothingWasStored(running: Running, ids: readonly string[]): Promise<void> {
    const last = newEvent();
    await running.nango(forwarded(last, 'c-beta'));
    await readBack(last.id);
    for (const id of ids) expect(recordsOf(id)).toEqual([]);
    expect(await createSpool(database.mongo.db).count()).toBe(0);
  }
});

/** The outcomes kept until now, without that of the event by which this is known. */
async function kept({ mongo }: SandboxDatabase, running: Running): Promise<readonly unknown[]> {
  const last = newEvent({ type: 'view.updated' });
  await running.nango(last);
  const outcomes = mongo.db.collection('event_outcomes');
  await expect.poll(() => outcomes.countDocuments({ eventId: last.id })).toBe(1);
  return outcomes.find({ eventId: { $ne: last.id } }).toArray();
}

async function connectedDatabase(): Promise<SandboxDatabase> {
  const database = await sandbox.newDatabase();
  await addConnection(database, 'c-acme', 'acme');
  return database;
}

describe('events about pages', () => {
  const [firstRow] = rowEvents;
  const pageEvent = (type: string, parentType = 'database') => ({
    ...firstRow,
    id: randomUUID(),
    type,
    data: { parent: { ...firstRow?.data.parent, type: parentType } },
  });

  test('while rows are off, only their type is checked; they are counted, and neither logged nor kept', async () => {
    const database = await connectedDatabase();
    await letRowsIn(database);
    const running = await start(database);
    const linesBefore = running.log();
    expect(await running.nango(pageEvent('page.created'))).toMatchObject(ignored('rows_off'));
    expect(await running.nango({ type: 'page.deleted', entity: 7 })).toMatchObject(ignored('rows_off'));
    expect(running.log()).toBe(linesBefore);
    expect(await openRowsSwitch(database.mongo.db).read()).toMatchObject({ forMs: expect.toSatisfy((ms: number) => ms < 0) });
    expect(await running.counted()).toEqual({ 'page.created rows_off': 1, 'page.deleted rows_off': 1 });
    expect(await kept(database, running)).toEqual([]);
  });

  test('are ignored until the switch is on, then each is on the log, with its row', async () => {
    const database = await connectedDatabase();
    const running = await start(database, { rows: 'on' });
    const early = pageEvent('page.created');
    expect(await running.nango(early)).toMatchObject(ignored('rows_not_ready'));
    expect(running.log()).toContain(`"pageId":"${early.entity?.id}"`);
    expect(await kept(database, running)).toMatchObject([
      { eventId: early.id, pageId: early.entity?.id, outcome: 'ignored', reason: 'rows_not_ready' },
    ]);

    await letRowsIn(database);
    await expect.poll(async () => (await running.nango(pageEvent('page.locked'))).json).toMatchObject({ status: 'accepted' });
    const row = { databaseId: '36cc9195-760f-4fff-a67e-3a46c559b176', dataSourceId: '98024f3c-b1d3-4aec-a301-f01e0dacf023' };
    const elsewhere = { databaseId: null, dataSourceId: null };
    for (const [event, header, kind, parent] of [
      [pageEvent('page.properties_updated'), 'row-sync', 'row_sync', row],
      [pageEvent('page.deleted'), 'row-delete', 'row_delete', row],
      [pageEvent('page.moved', 'page'), 'row-sync', 'row_sync', elsewhere],
      [pageEvent('page.deleted', 'space'), 'row-delete', 'row_delete', elsewhere],
    ] as const) {
      expect(await running.nango(event)).toMatchObject(acceptedAs(event.id));
      const [record] = await readBack(event.id);
      expect(record).toMatchObject({ key: 'acme', headers: { 'mirror-kind': header, ce_type: event.type, ce_id: event.id } });
      expect(await decode(record!.value)).toMatchObject({ kind, type: event.type, pageId: event.entity?.id, ...parent });
      expect(running.log()).toMatch(new RegExp(`"eventId":"${event.id}"[^\n]*"pageId":"${event.entity?.id}"`));
    }
    expect(recordsOf(early.id)).toEqual([]);
  });

  test('an ingress that starts later knows that the switch is on before its first event', async () => {
    const database = await connectedDatabase();
    await letRowsIn(database);
    const running = await start(database, { rows: 'on' });
    const event = pageEvent('page.created');
    expect(await running.nango(event)).toMatchObject(acceptedAs(event.id));
  });

  test('pages that are no rows are counted, and neither logged nor kept', async () => {
    const database = await connectedDatabase();
    await letRowsIn(database);
    const running = await start(database, { rows: 'on' });
    const linesBefore = running.log();
    for (const type of ['page.created', 'page.content_updated']) {
      expect(await running.nango(pageEvent(type, 'page'))).toMatchObject(ignored('not_a_row'));
    }
    expect(running.log()).toBe(linesBefore);
    expect(await running.counted()).toEqual({ 'page.created not_a_row': 1, 'page.content_updated not_a_row': 1 });
    expect(await kept(database, running)).toEqual([]);
  });

  test('the first reason that applies is given', async () => {
    const running = await start(await connectedDatabase(), { rows: 'on' });
    const unknown = { workspace_id: randomUUID() };
    expect(await running.nango({ ...pageEvent('page.created', 'page'), ...unknown })).toMatchObject(ignored('not_a_row'));
    expect(await running.nango({ ...pageEvent('page.created'), ...unknown })).toMatchObject(ignored('rows_not_ready'));
    const ready = await connectedDatabase();
    await letRowsIn(ready);
    const later = await start(ready, { rows: 'on' });
    expect(await later.nango({ ...pageEvent('page.created'), ...unknown })).toMatchObject(ignored('no_active_connection'));
  });
});

describe('handshakes', () => {
  let database: SandboxDatabase;
  const handled = { status: 200, json: { status: 'handled' } };
  const refused = { status: 401, json: { status: 'refused', reason: 'invalid_signature' } };

  beforeAll(async () => {
    database = await sandbox.newDatabase();
  });
  afterEach(async () => {
    for (const slot of ['notion', 'nango'] as const) await createHandshakeStore({ db: database.mongo.db, encryptionKey: null }).reset(slot);
  });

  test.each([
    ['unsigned', undefined],
    ['signed with itself', 'secret_first'],
  ])('the first token (%s) is kept and verifies from then on, on every instance; no other takes its place', async (_how, signedWith) => {
    await addConnection(database, 'c-acme', 'acme');
    const [one, other] = [await start(database), await start(database)];
    const event = newEvent();
    expect(await one.notion(event, 'secret_first')).toMatchObject(refused);
    expect(await one.notion(askFor('secret_first'), signedWith)).toMatchObject(handled);
    expect(await one.notion(event, 'secret_first')).toMatchObject(acceptedAs(event.id));
    await expect.poll(() => other.notion(event, 'secret_first')).toMatchObject(acceptedAs(event.id));
    for (const { notion } of [one, other]) {
      expect(await notion(askFor('secret_second'))).toMatchObject(refused);
      expect(await notion(askFor('secret_second'), 'secret_second')).toMatchObject(refused);
      expect(await notion(event, 'secret_second')).toMatchObject(refused);
      expect(await notion(askFor('secret_first'))).toMatchObject(handled);
      expect(await notion(askFor('secret_first'), 'secret_first')).toMatchObject(handled);
    }
    const shown = await createHandshakeStore({ db: database.mongo.db, encryptionKey: null }).takeForDisplay('notion');
    expect(shown).toMatchObject({ kind: 'token', token: 'secret_first' });
    expect(one.log()).toContain('mirror handshake show');
    expect(one.log() + other.log()).not.toContain('secret_');
  });

  test('one signed with another token is refused', async () => {
    const { notion } = await start(database);
    expect(await notion(askFor('secret_first'), 'secret_other')).toMatchObject(refused);
    expect(await createHandshakeStore({ db: database.mongo.db, encryptionKey: null }).get('notion')).toBeNull();
  });

  test.each([
    ['tokens are configured', { tokens: [configuredToken] }],
    ['handshakes are off', { handshake: 'off' as const }],
  ])('when %s an unsigned one is refused and not kept', async (_what, options) => {
    const { notion } = await start(database, options);
    expect(await notion(askFor('secret_first'))).toMatchObject(refused);
    expect(await notion(askFor('secret_first'), 'secret_first')).toMatchObject(refused);
    expect(await createHandshakeStore({ db: database.mongo.db, encryptionKey: null }).get('notion')).toBeNull();
  });

  test('one signed with a configured token is handled', async () => {
    const { notion } = await start(database, { tokens: [notionToken] });
    expect(await notion(handshake, notionToken)).toMatchObject(handled);
  });

  test('through Nango the newest token is kept, for the operator to see', async () => {
    const { nango, notion, log } = await start(database);
    const store = createHandshakeStore({ db: database.mongo.db, encryptionKey: null });
    expect(await nango(handshake)).toMatchObject(handled);
    expect(await store.get('nango')).toBe(notionToken);
    expect(await nango(askFor('secret_newer'))).toMatchObject(handled);
    expect(await store.takeForDisplay('nango')).toMatchObject({ kind: 'token', token: 'secret_newer' });
    expect(await nango(askFor('secret_newest'), 'wrong')).toMatchObject(refused);
    expect(await store.get('nango')).toBe('secret_newer');
    // The secret is between Nango and Notion and has no effect here.
    expect(await notion(newEvent(), 'secret_newer')).toMatchObject(refused);
    expect(log()).not.toContain('secret_');
  });

  test('while MongoDB is unavailable it is answered 503', async () => {
    const proxy = await proxyTo(sandbox.mongodb);
    const { nango, notion } = await start(database, { mongodbPort: proxy.port });
    proxy.cut();
    for (const answer of [await notion(askFor('secret_first')), await nango(askFor('secret_first'))]) {
      expect(answer).toMatchObject({ status: 503, json: { status: 'unavailable' }, headers: { 'retry-after': '5' } });
    }
    proxy.restore();
    await expect.poll(() => notion(askFor('secret_first'))).toMatchObject(handled);
    await expect.poll(() => nango(askFor('secret_first'))).toMatchObject(handled);
  });
});

describe("Nango's notice about a connection", () => {
  let database: SandboxDatabase;
  const due = () => createConnectionNotices(database.mongo.db).take(60_000);
  const handled = { status: 200, json: { status: 'handled' } };

  beforeEach(async () => {
    database = await sandbox.newDatabase();
  });

  test('is stored for the sync-worker, however often it comes', async () => {
    const { nango } = await start(database);
    expect(await nango(authCreation)).toMatchObject(handled);
    expect(await nango(authCreation)).toMatchObject(handled);
    const { connectionId } = JSON.parse(authCreation.toString()) as { connectionId: string };
    expect(await due()).toMatchObject({ connectionId, providerConfigKey: 'notion', isDeletionAnnounced: false });
    expect(await due()).toBeNull();
    expect(await nango(aboutConnection({ operation: 'deletion' }))).toMatchObject(handled);
    expect(await due()).toMatchObject({ isDeletionAnnounced: true });
  });

  test.each([
    { operation: 'unknown' },
    { operation: 'creation', success: false },
    { operation: 'override', success: false },
    { operation: 'creation', provider: 'github' },
    { operation: 'creation', connectionId: undefined },
    { operation: 'something new' },
  ])('changes nothing when it says %j', async (change) => {
    const { nango } = await start(database);
    expect(await nango(aboutConnection(change))).toMatchObject(handled);
    expect(await due()).toBeNull();
  });

  test('is refused unsigned, and answered 503 while MongoDB is unavailable', async () => {
    const proxy = await proxyTo(sandbox.mongodb);
    const { nango } = await start(database, { mongodbPort: proxy.port });
    expect(await nango(authCreation, 'another key')).toMatchObject({ status: 401 });
    expect(await due()).toBeNull();
    proxy.cut();
    expect(await nango(authCreation)).toMatchObject({ status: 503, json: { status: 'unavailable' } });
    proxy.restore();
    await expect.poll(() => nango(authCreation)).toMatchObject(handled);
    expect(await due()).not.toBeNull();
  });
});

describe('outages', () => {
  let database: SandboxDatabase;
  let kafkaProxy: TcpProxy;
  let mongoProxy: TcpProxy;
  let running: Running;

  async function startBehindProxies(): Promise<void> {
    database = await sandbox.newDatabase();
    await addConnection(database, 'c-acme', 'acme');
    kafkaProxy = await proxyTo(brokerAddress());
    mongoProxy = await proxyTo(sandbox.mongodb);
    running = await start(database, { mongodbPort: mongoProxy.port, kafkaProxy });
  }

  const spooled = () => createSpool(database.mongo.db).count();

  async function post(): Promise<{ answer: HttpAnswer; id: string }> {
    const event = newEvent();
    const answer = await running.nango(forwarded(event, 'c-acme'));
    return { answer, id: event.id };
  }

  test.each(['cut', 'hang'] as const)(
    'with Kafka unavailable (%s) events are stored in MongoDB, and reach the log when it recovers',
    async (how) => {
      await startBehindProxies();
      kafkaProxy[how]();
      const answered: string[] = [];
      for (let round = 0; round < 3; round += 1) {
        for (const { answer, id } of await Promise.all(Array.from({ length: 10 }, post))) {
          expect(answer).toMatchObject(acceptedAs(id));
          answered.push(id);
        }
      }
      expect(await spooled()).toBe(answered.length);
      expect(running.ingress.condition()).toMatchObject({ log: 'unavailable' });
      kafkaProxy.restore();
      await expect.poll(spooled).toBe(0);
      // Spooled events arrive at least once (twice if an acknowledgement was lost), and new ones go straight to the log again.
      for (const id of answered) await expect.poll(() => recordsOf(id).length).toBeGreaterThanOrEqual(1);
      const { answer, id } = await post();
      expect(answer).toMatchObject(acceptedAs(id));
      await readBack(id);
      expect(await spooled()).toBe(0);
    },
  );

  test('an unreadable webhook is spooled in the same way', async () => {
    await startBehindProxies();
    kafkaProxy.cut();
    const raw = Buffer.from([0xff, 0x00, ...Buffer.from(randomUUID())]);
    expect((await running.nango(raw)).json).toEqual({ status: 'quarantined' });
    expect(await spooled()).toBe(1);
    kafkaProxy.restore();
    await expect
      .poll(() => deadLetters.records.find(({ value }) => value.equals(raw)))
      .toMatchObject({ key: null, headers: { 'dlq.error.code': 'not_utf8' } });
  });

  test.each(['cut', 'hang'] as const)('with MongoDB unavailable (%s) events of cached connections are still accepted', async (how) => {
    await startBehindProxies();
    mongoProxy[how]();
    for (const { answer, id } of await Promise.all(Array.from({ length: 10 }, post))) {
      expect(answer).toMatchObject(acceptedAs(id));
      await readBack(id);
    }
    expect((await running.nango(forwarded(newEvent(), 'c-unknown'))).json).toEqual({ status: 'ignored', reason: 'no_active_connection' });
  });

  test.each(['cut', 'hang'] as const)(
    'with both unavailable (%s) the ingress answers 503 at once, and recovers without a restart',
    async (how) => {
      await startBehindProxies();
      kafkaProxy[how]();
      mongoProxy[how]();
      const refused: string[] = [];
      for (let round = 0; round < 3; round += 1) {
        for (const { answer, id } of await Promise.all(Array.from({ length: 10 }, post))) {
          expect(answer).toMatchObject({ status: 503, json: { status: 'unavailable' }, headers: { 'retry-after': '5' } });
          refused.push(id);
        }
      }
      kafkaProxy.restore();
      mongoProxy.restore();
      await expect.poll(async () => (await post()).answer.status).toBe(200);
      await expect.poll(() => running.ingress.condition()).toEqual({ log: 'ok', spoolWaiting: 0 });
    },
  );
});
