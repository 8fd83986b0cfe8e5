import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { createConnectionStore } from '@notion-mirror/mirror-store/connection-store';
import { createHandshakeStore } from '@notion-mirror/mirror-store/handshake-store';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { anyBody, badBodies, badHeadings, changedWebhooks } from './testing/corpus.ts';
import { connectRaw, send, type HttpAnswer, type RawConnection } from './testing/http-client.ts';
import { startIngressProcess, type IngressProcess } from './testing/ingress-process.ts';
import { rawRequests, type Parcel } from './testing/raw-requests.ts';
import { databaseDeleted, nangoKey, notionToken } from './testing/samples.ts';
import { letRowsIn, openSandbox, type Sandbox, type SandboxDatabase } from './testing/sandbox.ts';
import { createForeignDecoder, startTopicReader, type TopicReader } from './testing/topic-reader.ts';
import type { Route } from './webhook-body.ts';

// For any input the response follows the contract, the process survives, and only promised data is written. Everything is sent to a real
// ingress. `ledger` records its promises, and after each group both topics and the whole database are compared with it.

const stack = inject('stack');
const routes: readonly Route[] = ['nango', 'notion'];
const signings = ['signed', 'wrongly signed', 'unsigned'] as const;
type Signing = (typeof signings)[number];

/** A workspace that `c-acme` is connected to, and one without a connection. */
const notionWorkspaceId: string = databaseDeleted.workspace_id;
const unconnectedWorkspaceId = '00000000-0000-4000-8000-000000000000';

const refused = { status: 401, json: { status: 'refused', reason: 'invalid_signature' } };

const ledger = { events: new Set<string>(), deadLetters: new Set<string>() };
/**
 * Signed requests answered with 503 or not at all: they may be on a topic or not. On an overloaded machine Kafka and MongoDB may both
 * miss their one-second deadline; that is the contract's 503, after which a sender retries.
 */
const mayBe = new Set<string | undefined>();

const contractual503 = ['event refused: neither the log nor the spool could store it'];

let sandbox: Sandbox;
let database: SandboxDatabase;
let handshakeDatabase: SandboxDatabase;
let events: TopicReader;
let deadLetters: TopicReader;
let ingress: IngressProcess;
/** Accepts handshakes: no token is configured. */
let open: IngressProcess;
let before: unknown;

beforeAll(async () => {
  sandbox = await openSandbox(stack);
  database = await sandbox.newDatabase();
  handshakeDatabase = await sandbox.newDatabase();
  await createConnectionStore(database.mongo.db).add({
    connectionId: 'c-acme',
    providerConfigKey: 'notion',
    workspaceId: 'acme',
    notionWorkspaceId,
    botId: null,
    token: null,
  });
  await letRowsIn(database);
  ingress = start(database, { MIRROR_NOTION_VERIFICATION_TOKENS: notionToken });
  open = start(handshakeDatabase);
  events = await startTopicReader(sandbox.kafka, sandbox.topics.events);
  deadLetters = await startTopicReader(sandbox.kafka, sandbox.topics.deadLetters);
  for (const each of [ingress, open]) await vi.waitUntil(() => isReady(each), { timeout: 60_000, interval: 100 });
  before = await withoutOutcomes(database);
});

afterAll(async () => {
  for (const each of [ingress, open]) {
    each.kill('SIGKILL');
    await each.exited;
  }
  await events.stop();
  await deadLetters.stop();
  await sandbox.close();
});

function start(of: SandboxDatabase, env: Record<string, string> = {}): IngressProcess {
  return startIngressProcess({
    MIRROR_KAFKA_BROKERS: stack.kafkaBrokers,
    MIRROR_SCHEMA_REGISTRY_URL: stack.schemaRegistryUrl,
    MIRROR_MONGODB_URI: of.uri(),
    MIRROR_TOPIC_PREFIX: sandbox.prefix,
    MIRROR_NANGO_SIGNING_KEYS: nangoKey,
    ...env,
  });
}

const publicPort = (of: IngressProcess) => of.port('public port listens');

async function probe(of: IngressProcess, path: '/livez' | '/readyz' | '/metrics'): Promise<{ status: number; text: string }> {
  const response = await fetch(`http://127.0.0.1:${of.port('operations port listens')}${path}`);
  return { status: response.status, text: await response.text() };
}

/** False while the process does not listen yet. */
async function isReady(of: IngressProcess): Promise<boolean> {
  return of.port('public port listens') > 0 && (await probe(of, '/readyz')).status === 200;
}

function signatureOf(route: Route, raw: Buffer, signing: Signing): Readonly<Record<string, string>> {
  if (signing === 'unsigned') return {};
  const [key, other] = route === 'nango' ? [nangoKey, notionToken] : [notionToken, nangoKey];
  const digest = createHmac('sha256', signing === 'signed' ? key : other)
    .update(raw)
    .digest('hex');
  return route === 'nango' ? { 'x-nango-hmac-sha256': digest } : { 'x-notion-signature': `sha256=${digest}` };
}

interface Post {
  readonly route: Route;
  readonly raw: Buffer;
  readonly signing: Signing;
  readonly headers?: Readonly<Record<string, string>>;
  readonly to?: IngressProcess;
  readonly chunked?: boolean;
}

/** Retries after a 503, as a sender does. Promises go into the ledger. */
async function post({ route, raw, signing, headers = {}, to = ingress, chunked = false }: Post): Promise<HttpAnswer> {
  const sendIt = () =>
    send(publicPort(to), `/webhooks/${route}`, {
      body: raw,
      headers: { 'content-type': 'application/json', ...headers, ...signatureOf(route, raw, signing) },
      chunked,
    });
  let answer = await sendIt();
  for (let attempt = 1; attempt <= 5 && wordOf(answer) === 'unavailable'; attempt += 1) {
    if (signing === 'signed') mayBe.add(raw.toString('base64'));
    await delay(500);
    answer = await sendIt();
  }
  const { status, eventId } = (answer.json ?? {}) as { status?: string; eventId?: string };
  if (signing === 'signed' && status === 'quarantined') ledger.deadLetters.add(raw.toString('base64'));
  if (signing === 'signed' && status === 'accepted') ledger.events.add(eventId ?? '');
  return answer;
}

const wordOf = ({ json }: HttpAnswer): string => {
  const { status = '', reason } = (json ?? {}) as { status?: string; reason?: string };
  return reason ?? status;
};

function soundWebhook(route: Route): { id: string; raw: Buffer } {
  const event = { ...databaseDeleted, id: randomUUID() };
  const wrapper = { connectionId: 'c-acme', from: 'notion', payload: event, providerConfigKey: 'notion', type: 'forward' };
  return { id: event.id, raw: Buffer.from(JSON.stringify(route === 'nango' ? wrapper : event)) };
}

/** The ingress is alive and responsive. */
async function isAtWork(): Promise<void> {
  for (const route of routes) {
    const { id, raw } = soundWebhook(route);
    expect(await post({ route, raw, signing: 'signed' })).toMatchObject({ status: 200, json: { status: 'accepted', eventId: id } });
  }
  expect((await probe(ingress, '/livez')).status).toBe(200);
}

async function recordsOn(topic: string): Promise<number> {
  const admin = sandbox.kafka.admin();
  await admin.connect();
  const offsets = await admin.fetchTopicOffsets(topic);
  await admin.disconnect();
  return offsets.reduce((sum, { high }) => sum + Number(high), 0);
}

/** The documents of every collection. */
async function contentOf({ mongo: { db } }: SandboxDatabase): Promise<Record<string, unknown>> {
  const collections = await db.listCollections({ type: 'collection' }).toArray();
  const contents = collections
    .filter(({ name }) => !name.startsWith('system.'))
    .map(async ({ name }) => [name, await db.collection(name).find().sort({ _id: 1 }).toArray()] as const);
  return Object.fromEntries((await Promise.all(contents)).toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

async function withoutOutcomes(of: SandboxDatabase): Promise<Record<string, unknown>> {
  const { event_outcomes: _, ...others } = await contentOf(of);
  return others;
}

/** The ingress works, and both topics and the database hold exactly the promised data. */
async function everythingIsAsItWas(): Promise<void> {
  await isAtWork();
  // On a busy machine, records may have gone through the spool.
  await expect.poll(() => withoutOutcomes(database)).toEqual(before);
  // Only outcomes of signed events without a tenant are stored, for `mirror explain`.
  expect(await database.mongo.db.collection('event_outcomes').distinct('outcome')).toBeOneOf([[], ['ignored']]);
  for (const [reader, topic] of [
    [events, sandbox.topics.events],
    [deadLetters, sandbox.topics.deadLetters],
  ] as const) {
    const all = await recordsOn(topic);
    await expect.poll(() => reader.records.length).toBe(all);
  }
  const found = {
    events: new Set(events.records.map(({ headers }) => headers['ce_id']).filter((id) => !mayBe.has(id) || ledger.events.has(id ?? ''))),
    deadLetters: new Set(
      deadLetters.records.map(({ value }) => value.toString('base64')).filter((body) => !mayBe.has(body) || ledger.deadLetters.has(body)),
    ),
  };
  // Names, not contents: a diff of a thousand 1 MiB bodies is unreadable.
  expect({ ...found, deadLetters: found.deadLetters.size }).toEqual({ ...ledger, deadLetters: ledger.deadLetters.size });
  // A diff of 1 MiB bodies is unreadable.
  expect([...found.deadLetters].filter((body) => !ledger.deadLetters.has(body)).map((body) => body.slice(0, 1_000))).toEqual([]);
}

describe.each(routes)('/webhooks/%s', (route) => {
  test.each(badBodies.map((body) => [body.name, body] as const))('%s', async (_name, body) => {
    const [signed, ...others] = await Promise.all(signings.map((signing) => post({ route, raw: body.raw, signing })));
    expect({ status: signed?.status, word: signed && wordOf(signed) }).toEqual({ status: 200, word: body[route] });
    for (const answer of others) expect(answer).toMatchObject(refused);
  });

  test.each(badHeadings.map((heading) => [heading.name, heading] as const))('%s', async (_name, { raw, headers, status }) => {
    for (const chunked of [false, true]) {
      const answers = await Promise.all(signings.map((signing) => post({ route, raw, headers, signing, chunked })));
      expect(answers.map((answer) => answer.status)).toEqual([status, status, status]);
    }
  });

  test('malformed signatures', async () => {
    const { raw } = soundWebhook(route);
    const header = route === 'nango' ? 'x-nango-hmac-sha256' : 'x-notion-signature';
    const good = signatureOf(route, raw, 'signed')[header] ?? '';
    const forged = ['', ' ', '0', good.slice(1), good.slice(0, -1), `${good}0`, `${good}, ${good}`, good.replace('=', ':'), `sha1=${good}`];
    const others = [
      'sha256=',
      'sha256=' + '0'.repeat(64),
      '0'.repeat(64),
      'x'.repeat(10_000),
      '__proto__',
      '{"$gt":""}',
      '\xff'.repeat(64),
    ];
    const wrongRoute = routes.find((each) => each !== route) ?? route;
    for (const headers of [
      ...[...forged, ...others].filter((value) => value !== good).map((value) => ({ [header]: value })),
      signatureOf(wrongRoute, raw, 'signed'),
      signatureOf(route, Buffer.concat([raw, Buffer.from(' ')]), 'signed'),
      { 'x-nango-signature': good, authorization: `Bearer ${nangoKey}` },
    ]) {
      expect({ sent: headers, ...(await post({ route, raw, headers, signing: 'unsigned' })) }).toMatchObject(refused);
    }
  });

  test('the ingress works, and nothing else was written', everythingIsAsItWas);
});

describe.each(routes)('/webhooks/%s, byte by byte', (route) => {
  test.each(rawRequests.map((request) => [request.name, request] as const))('%s', async (_name, request) => {
    const { bytes, answers, firstMayBeLost = false, endsThere = false } = request;
    for (const signing of signings) {
      const { id, parcel } = parcelFor(route, signing);
      const expected = answers.map((answer) => (answer === 'verdict' ? verdictOn(signing) : answer));
      const connection = await connectRaw(publicPort(ingress));
      connection.socket.write(bytes(parcel));
      if (endsThere) connection.socket.end();
      if (answers.length === 0) await connection.closed;
      const possible = [expected, expected.map(orBusy), ...(firstMayBeLost ? [expected.slice(1)] : [])];
      await expect.poll(() => statusesIn(connection), { message: signing }).toBeOneOf(possible);
      connection.socket.destroy();
      if (statusesIn(connection).includes(200)) ledger.events.add(id);
      if (statusesIn(connection).includes(503)) mayBe.add(id);
    }
  });

  test('forty pipelined requests, good and bad, are answered in order', async () => {
    const connection = await connectRaw(publicPort(ingress));
    const sent = fortyRequests(route);
    connection.socket.write(sent.map(({ text }) => text).join(''));
    await expect.poll(() => statusesIn(connection).length).toBe(sent.length);
    connection.socket.destroy();
    for (const [index, status] of statusesIn(connection).entries()) {
      const { id = '', signing = 'unsigned' } = sent[index] ?? {};
      expect(status).toBeOneOf([verdictOn(signing), orBusy(verdictOn(signing))]);
      if (status === 200) ledger.events.add(id);
      if (status === 503) mayBe.add(id);
    }
  });

  test('nothing is read after an invalid request', async () => {
    const connection = await connectRaw(publicPort(ingress));
    const sent = fortyRequests(route);
    const { text: late } = requestOf(route, 'signed');
    connection.socket.write(`${sent.map(({ text }) => text).join('')}\0\0\0${late}`);
    await connection.closed;
    const statuses = statusesIn(connection);
    expect(statuses.at(-1)).toBe(400);
    for (const [index, status] of statuses.slice(0, -1).entries()) {
      const verdict = verdictOn(sent[index]?.signing ?? 'unsigned');
      expect(status).toBeOneOf([verdict, orBusy(verdict)]);
    }
    for (const { signing, id } of sent) if (signing === 'signed') mayBe.add(id);
  });

  test('uploads aborted at any byte, by FIN or reset', async () => {
    const runs = Array.from({ length: 60 }, async (_, index) => {
      const signing = signings[index % 3] ?? 'signed';
      const { parcel } = parcelFor(route, signing, index % 2 === 0 ? 0 : 300_000);
      const head = headOf(parcel);
      const whole = `${head}content-length: ${parcel.body.length}\r\n\r\n${parcel.body}`;
      const connection = await connectRaw(publicPort(ingress));
      const written = Promise.withResolvers<void>();
      connection.socket.write(whole.slice(0, Math.floor((whole.length - 1) * (index / 60))), () => written.resolve());
      await written.promise;
      if (index % 4 < 2) connection.socket.end();
      else connection.socket.resetAndDestroy();
      await connection.closed;
      expect(statusesIn(connection).filter((status) => status !== 400)).toEqual([]);
    });
    await Promise.all(runs);
    await expect.poll(bodiesInMemory).toBe(0);
  });

  test('the ingress works, and nothing else was written', everythingIsAsItWas);
});

test('deliberately slow senders delay no other request, and are cut off', async () => {
  const slow: RawConnection[] = [];
  for (const route of routes) {
    for (const signing of signings) {
      const { parcel } = parcelFor(route, signing);
      const head = headOf(parcel);
      for (const beginning of [
        '',
        head,
        `${head}x-slow: `,
        `${head}content-length: ${parcel.body.length}\r\n\r\n`,
        `${head}content-length: 1048576\r\n\r\n{`,
        `${head}transfer-encoding: chunked\r\n\r\n`,
        `${head}transfer-encoding: chunked\r\n\r\n3e8;`,
        // A second request on a connection that already got a response.
        `GET / HTTP/1.1\r\nhost: x\r\n\r\n${head}x-slow: `,
      ]) {
        for (let count = 0; count < 5; count += 1) {
          const connection = await connectRaw(publicPort(ingress));
          connection.socket.write(beginning);
          slow.push(connection);
        }
      }
    }
  }
  const trickle = setInterval(() => {
    for (const { socket } of slow.filter((_, index) => index % 5 !== 0)) if (socket.writable) socket.write('1');
  }, 400);
  try {
    const ended = Promise.all(slow.map(({ closed }) => closed));
    do {
      await isAtWork();
    } while ((await Promise.race([ended, delay(500, 'some are open')])) === 'some are open');
  } finally {
    clearInterval(trickle);
    for (const { socket } of slow) socket.destroy();
  }
  for (const connection of slow) expect(statusesIn(connection).filter((status) => ![400, 404, 408].includes(status))).toEqual([]);
  await expect.poll(bodiesInMemory).toBe(0);
  await everythingIsAsItWas();
});

describe('at random', () => {
  const claims = { connectionIds: ['c-acme', 'c-unknown', '__proto__'], notionWorkspaceIds: [notionWorkspaceId, unconnectedWorkspaceId] };

  test.each([
    ['anything', anyBody, 40],
    ['webhooks of every type with parts replaced and duplicated', changedWebhooks(claims), 120],
  ] as const)('%s', async (_what, bodies, numRuns) => {
    await fc.assert(
      fc.asyncProperty(bodies, async (raw) => {
        const all = routes.flatMap((route) => signings.map((signing) => ({ route, raw, signing })));
        const answers = await Promise.all(all.map(async (each) => ({ ...each, answer: await post(each) })));
        for (const { signing, answer } of answers) expect(answer.status).toBe(signing === 'signed' ? 200 : 401);
      }),
      { numRuns },
    );
    await everythingIsAsItWas();
    const decode = createForeignDecoder(stack.schemaRegistryUrl);
    const uuid = expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/) as unknown;
    for (const { key, value } of events.records) {
      expect(key).toBe('acme');
      const event = (await decode(value)) as Record<string, unknown>;
      expect(event).toMatchObject({ eventId: uuid, workspaceId: 'acme', connectionId: 'c-acme', notionWorkspaceId: uuid });
      expect(event['databaseId'] ?? event['dataSourceId']).toEqual(uuid);
    }
  });
});

describe('the unsigned handshake', () => {
  const handshake = ask('secret_first');

  test('with a configured token no handshake is kept', async () => {
    for (const signing of ['unsigned', 'wrongly signed'] as const) {
      expect(await post({ route: 'notion', raw: handshake, signing })).toMatchObject(refused);
    }
    await everythingIsAsItWas();
  });

  test.each([
    ['no token', ask('')],
    ['an operator', ask({ $gt: '' })],
    ['a list', ask(['secret_first'])],
    ['null', ask(null)],
    ['a number', ask(7)],
    ['a long one', ask('x'.repeat(1_025))],
    ['a NUL', ask('secret_\0')],
    ['one with terminal control sequences', ask('secret_\u001b[2J\u001b]0;x\u0007')],
    ['a lone surrogate', Buffer.from('{"verification_token":"secret_\\ud800"}')],
    ['two, with an operator last', Buffer.from('{"verification_token":"secret_first","verification_token":{"$ne":""}}')],
    ['one in the prototype', Buffer.from('{"__proto__":{"verification_token":"secret_first"}}')],
    ['one next to a type', Buffer.from('{"verification_token":"secret_first","type":"page.created"}')],
    ['one in a list', Buffer.from('[{"verification_token":"secret_first"}]')],
    ['one in UTF-16', Buffer.from(handshake.toString(), 'utf16le')],
    ['one in more than 4 KiB', Buffer.concat([handshake, Buffer.alloc(4_096, ' ')])],
    ['one in 10,000 levels', Buffer.from(`{"verification_token":"secret_first","x":${'['.repeat(10_000)}`)],
  ])('%s is refused and not kept', async (_what, raw) => {
    for (const signing of ['unsigned', 'wrongly signed'] as const) {
      expect(await post({ to: open, route: 'notion', raw, signing })).toMatchObject(refused);
      expect(await post({ to: open, route: 'nango', raw, signing })).toMatchObject(refused);
    }
    expect(await kept()).toEqual([]);
  });

  test('the first valid one is kept, once, and never replaced', async () => {
    expect(await post({ to: open, route: 'notion', raw: handshake, signing: 'wrongly signed' })).toMatchObject(refused);
    expect(
      (await post({ to: open, route: 'notion', raw: handshake, headers: { 'content-type': 'text/plain' }, signing: 'unsigned' })).status,
    ).toBe(415);
    expect(await kept()).toEqual([]);
    const askers = Array.from({ length: 20 }, (_, index) => ask(`secret_${randomBytes(8).toString('hex')}_${index}`));
    const answers = await Promise.all(askers.map((raw) => post({ to: open, route: 'notion', raw, signing: 'unsigned' })));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(19);
    const first = await kept();
    expect(first).toHaveLength(1);
    for (const raw of askers) await post({ to: open, route: 'notion', raw, signing: 'unsigned' });
    expect(await kept()).toEqual(first);
    const store = createHandshakeStore({ db: handshakeDatabase.mongo.db, encryptionKey: null });
    const winner = askers[answers.findIndex(({ status }) => status === 200)];
    expect(winner).toEqual(ask(await store.get('notion')));
  });

  test('nothing else was written', async () => {
    const { handshakes: _, ...others } = await contentOf(handshakeDatabase);
    expect(Object.values(others).flat()).toEqual([]);
    await everythingIsAsItWas();
  });
});

test('both processes never restarted, logged no unexpected error, and stop cleanly', async () => {
  for (const each of [ingress, open]) {
    each.kill('SIGTERM');
    expect(await each.exited).toEqual({ code: 0, signal: null });
    expect(each.lines.filter(({ msg }) => msg === 'started')).toHaveLength(1);
    // A contractual 503 (see `mayBe`) logs one line; whether a response may be 503 is asserted where it is received.
    const errors = each.lines.filter(({ level, msg }) => (level === 'error' || level === 'fatal') && !contractual503.includes(String(msg)));
    expect(errors).toEqual([]);
  }
});

function ask(token: unknown): Buffer {
  return Buffer.from(JSON.stringify({ verification_token: token }));
}

async function kept(): Promise<unknown[]> {
  return handshakeDatabase.mongo.db.collection('handshakes').find().toArray();
}

function parcelFor(route: Route, signing: Signing, fill = 0): { id: string; parcel: Parcel } {
  const { id, raw } = soundWebhook(route);
  const body = raw.toString() + ' '.repeat(fill);
  const [signature] = Object.entries(signatureOf(route, Buffer.from(body), signing)).map(([name, value]) => `${name}: ${value}`);
  return { id, parcel: { path: `/webhooks/${route}`, signature: signature ?? '', body } };
}

function headOf({ path, signature }: Parcel): string {
  const lines = [`POST ${path} HTTP/1.1`, 'host: x', 'content-type: application/json', ...(signature === '' ? [] : [signature])];
  return lines.map((line) => `${line}\r\n`).join('');
}

function requestOf(route: Route, signing: Signing): { id: string; signing: Signing; text: string } {
  const { id, parcel } = parcelFor(route, signing);
  return { id, signing, text: `${headOf(parcel)}content-length: ${parcel.body.length}\r\n\r\n${parcel.body}` };
}

const fortyRequests = (route: Route) => Array.from({ length: 40 }, (_, index) => requestOf(route, signings[index % 3] ?? 'signed'));

const verdictOn = (signing: Signing): 200 | 401 => (signing === 'signed' ? 200 : 401);

const orBusy = (status: number): number => (status === 200 ? 503 : status);

/** The statuses of all responses on a connection so far. */
function statusesIn(connection: RawConnection): number[] {
  return [...connection.received().matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}

async function bodiesInMemory(): Promise<number> {
  const { text } = await probe(ingress, '/metrics');
  return Number(/^notion_mirror_ingress_body_bytes\{[^}]*\} (\d+)$/m.exec(text)?.[1] ?? Number.NaN);
}
