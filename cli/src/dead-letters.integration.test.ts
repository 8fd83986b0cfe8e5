import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { FailureClass } from '@notion-mirror/domain/failure';
import { deadLetterRecord } from '@notion-mirror/event-log/dead-letters';
import { createEventCodec, type EventCodec } from '@notion-mirror/event-log/event-codec';
import { toRecord } from '@notion-mirror/event-log/event-record';
import type { DeadLetterRecord, LogRecord } from '@notion-mirror/event-log/log-record';
import { createPublisher, type Publisher } from '@notion-mirror/event-log/publisher';
import { registerSchemas } from '@notion-mirror/event-log/register-schemas';
import { eventOf, isolatedLog, readAll, silent } from '@notion-mirror/event-log/testing/isolated-log';
import { createTopics, topicsFor } from '@notion-mirror/event-log/topics';
import { openMongo, type Mongo } from '@notion-mirror/mirror-store/client';
import { createHandshakeStore } from '@notion-mirror/mirror-store/handshake-store';
import { someLayout } from '../../packages/mirror-store/test/mongo.ts';
import { initMongo } from '@notion-mirror/mirror-store/init';
import { Registry } from '@notion-mirror/service-kit/metrics';
import { isSignedByNango, isSignedByNotion } from '@notion-mirror/service-kit/webhook-signatures';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, onTestFinished, test } from 'vitest';
import { deadPort } from '../test/ports.ts';
import { mirror as run } from '../test/surroundings.ts';

const stack = inject('stack');
const database = `letters_${randomUUID().slice(0, 8)}`;
const signingKey = 'signing-secret-1';
const keptToken = 'secret_kept_by_the_ingress';

let log: ReturnType<typeof isolatedLog>;
let topics: ReturnType<typeof topicsFor>;
let mongo: Mongo;
let publisher: Publisher;
let codec: EventCodec;
let env: Record<string, string>;

beforeAll(async () => {
  const uri = new URL(stack.mongodbUri);
  uri.pathname = `/${database}`;
  mongo = await openMongo(uri.href, { appName: 'letters-test' });
  await initMongo(mongo.db, someLayout);
  env = {
    MIRROR_KAFKA_BROKERS: stack.kafkaBrokers,
    MIRROR_SCHEMA_REGISTRY_URL: stack.schemaRegistryUrl,
    MIRROR_MONGODB_URI: uri.href,
    MIRROR_NANGO_SIGNING_KEYS: `${signingKey},signing-secret-2`,
  };
});

afterAll(async () => {
  await mongo.db.dropDatabase();
  await mongo.close();
});

/** Separate topics for each test, so that offsets begin at 0. */
beforeEach(async () => {
  log = isolatedLog(stack);
  topics = topicsFor(log.prefix);
  env['MIRROR_TOPIC_PREFIX'] = log.prefix;
  await createTopics(log.kafka, log.prefix, { partitions: 2, replicationFactor: 1, retentionMs: 3_600_000 }, []);
  await registerSchemas({ schemaRegistry: log.schemaRegistry, subject: topics.eventsSubject });
  codec = await createEventCodec({ schemaRegistry: log.schemaRegistry, subject: topics.eventsSubject });
  publisher = await createPublisher({ kafka: log.kafka, logger: silent, metrics: new Registry(), deadlineMs: 30_000 });
  const own = { log, publisher };
  onTestFinished(async () => {
    await own.publisher.stop();
    await own.log.remove();
  });
});

async function mirror(args: readonly string[], options: { env?: Record<string, string>; isTTY?: boolean; signal?: AbortSignal } = {}) {
  return run(['dead-letters', ...args], { ...options, env: { ...env, ...options.env } });
}

async function json(args: readonly string[], change: Record<string, string> = {}) {
  const { code, stdout, stderr } = await mirror([...args, '--json'], { env: change });
  return { code, stderr, result: JSON.parse(stdout) as Record<string, unknown> };
}

interface Failed {
  readonly workspaceId?: string;
  readonly code?: string;
  readonly class?: FailureClass;
  readonly message?: string;
  readonly failedAt?: Date;
  readonly value?: Buffer | null;
  readonly headers?: Record<string, string>;
}

/** A dead letter as a worker writes it. */
function workerLetter(failed: Failed = {}): DeadLetterRecord {
  const { workspaceId = 'acme', failedAt = new Date(), value } = failed;
  const event = toRecord({ topic: topics.events, event: eventOf({ workspaceId }), codec, accessibleBy: ['bot-1'] });
  const headers = Object.fromEntries(Object.entries(event.headers).map(([name, text]) => [name, String(text)]));
  const record: LogRecord = {
    topic: topics.events,
    partition: 1,
    offset: 42n,
    timestamp: Date.parse('2026-01-02T03:04:05.678Z'),
    key: Buffer.from(workspaceId),
    value: value === undefined ? event.value : value,
    headers: { ...headers, ünïcode: '🗂️', ...failed.headers },
  };
  return deadLetterRecord({
    topic: topics.deadLetters,
    record,
    failure: { class: failed.class ?? 'poison', code: failed.code ?? 'undecodable', message: failed.message ?? 'bad bytes' },
    attempts: 3,
    firstFailedAt: new Date(failedAt.getTime() - 1_000),
    failedAt,
    service: 'sync-worker',
    group: `${log.prefix}notion-mirror.sync-worker`,
  });
}

/** A dead letter for an unreadable webhook, as the ingress writes it: services/ingress/src/quarantine.ts. */
function quarantined(raw: Buffer, route: 'nango' | 'notion' = 'nango'): DeadLetterRecord {
  const time = new Date().toISOString();
  return {
    topic: topics.deadLetters,
    key: null,
    value: raw,
    headers: {
      'content-type': 'application/json',
      'dlq.error.class': 'unreadable',
      'dlq.error.code': 'not_json',
      'dlq.error.message': 'not_json',
      'dlq.attempts': '1',
      'dlq.first_failed_at': time,
      'dlq.failed_at': time,
      'dlq.service': 'ingress',
      'dlq.route': route,
      'dlq.received_at': time,
    },
  };
}

async function put(...letters: readonly DeadLetterRecord[]): Promise<void> {
  for (const letter of letters) await publisher.publish(letter);
}

async function refsThatWait(...filters: string[]): Promise<string[]> {
  const { result } = await json(['list', '--records', ...filters]);
  return (result['records'] as { ref: string }[]).map(({ ref }) => ref);
}

async function lowEnd(): Promise<number> {
  const admin = log.kafka.admin();
  await admin.connect();
  const [end] = await admin.fetchTopicOffsets(topics.deadLetters);
  await admin.disconnect();
  return Number(end?.low);
}

interface Posted {
  readonly path: string;
  readonly body: Buffer;
  readonly isSigned: boolean;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** A fake ingress that checks signatures like the real one, and answers as the test says. */
async function ingress(answer: (posted: Posted) => Answer | Promise<Answer>) {
  const posted: Posted[] = [];
  const server = createServer((request, response) => {
    const respond = async () => {
      const body = await buffer(request);
      const header = (name: string) => request.headers[name]?.toString();
      const isSigned =
        request.url === '/webhooks/nango'
          ? isSignedByNango(body, header('x-nango-hmac-sha256'), [signingKey])
          : isSignedByNotion(body, header('x-notion-signature'), [keptToken]);
      const one = { path: request.url ?? '', body, isSigned };
      posted.push(one);
      const reply = isSigned ? await answer(one) : { status: 401, body: { status: 'refused', reason: 'invalid_signature' } };
      response.writeHead(reply.status, { 'content-type': 'application/json' }).end(JSON.stringify(reply.body));
    };
    void respond();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, posted };
}

const accepted = () => ({ status: 200, body: { status: 'accepted', eventId: 'e' } });

describe('list', () => {
  test('an empty topic, and a missing one', async () => {
    expect(await mirror(['list'])).toMatchObject({ code: 0, stdout: 'No dead letter waits.\n' });
    const nowhere = await mirror(['list'], { env: { MIRROR_TOPIC_PREFIX: `${log.prefix}other.` } });
    expect(nowhere).toMatchObject({ code: 1, stderr: expect.stringContaining('mirror init') });
  });

  test('groups by cause, with tenants, times and an example', async () => {
    await put(
      workerLetter({ failedAt: new Date('2026-01-02'), message: 'newer' }),
      workerLetter({ failedAt: new Date('2026-01-01'), workspaceId: 'initech', message: 'older' }),
      workerLetter({ failedAt: new Date('2026-01-03'), class: 'restricted', code: 'forbidden', message: 'with\u001B[2J escapes' }),
      quarantined(Buffer.from('{')),
    );
    const { code, result } = await json(['list']);
    expect(code).toBe(0);
    expect(result).toMatchObject({
      ok: true,
      letters: 4,
      tenants: 2,
      causes: [
        {
          class: 'poison',
          code: 'undecodable',
          service: 'sync-worker',
          count: 2,
          tenants: 2,
          oldest: '2026-01-01T00:00:00.000Z',
          newest: '2026-01-02T00:00:00.000Z',
          message: 'newer',
        },
        { class: 'restricted', code: 'forbidden', count: 1, tenants: 1 },
        { class: 'unreadable', code: 'not_json', service: 'ingress', count: 1, tenants: 0 },
      ],
    });
    const { stdout } = await mirror(['list']);
    expect(stdout).toMatch(/2 +poison\/undecodable +sync-worker +2 +2026-01-01 00:00 +2026-01-02 00:00 +newer/);
    expect(stdout).not.toContain('\u001B');
  });

  test('filters, and prints one line per letter up to a limit', async () => {
    const old = new Date(Date.now() - 3 * 3_600_000);
    await put(
      workerLetter({ failedAt: old }),
      workerLetter({ workspaceId: 'initech' }),
      workerLetter({ class: 'restricted', code: 'forbidden' }),
      quarantined(Buffer.from('{')),
    );
    expect(await refsThatWait()).toEqual(['0:0', '0:1', '0:2', '0:3']);
    expect(await refsThatWait('--class', 'poison')).toEqual(['0:0', '0:1']);
    expect(await refsThatWait('--code', 'forbidden')).toEqual(['0:2']);
    expect(await refsThatWait('--workspace-id', 'initech')).toEqual(['0:1']);
    expect(await refsThatWait('--service', 'ingress')).toEqual(['0:3']);
    expect(await refsThatWait('--since', '2h', '--workspace-id', 'acme')).toEqual(['0:2']);
    const { stdout } = await mirror(['list', '--records', '--limit', '2']);
    expect(stdout).toMatch(/0:1 .* initech +database\.content_updated .* poison\/undecodable +bad bytes/);
    expect(stdout).toContain('2 more: --limit 4');
  });

  test('reads thousands of letters and leaves no group behind', async () => {
    const letters = Array.from({ length: 3_000 }, (_, index) => workerLetter({ workspaceId: `tenant-${index % 7}` }));
    await Promise.all(letters.map((letter) => publisher.publish(letter)));
    expect((await json(['list'])).result).toMatchObject({ letters: 3_000, tenants: 7 });
    const admin = log.kafka.admin();
    await admin.connect();
    const { groups } = await admin.listGroups();
    await admin.disconnect();
    expect(groups.filter(({ groupId }) => groupId.startsWith(log.prefix))).toEqual([]);
  });
});

describe('show', () => {
  test("a worker's letter: headers, its place on the log, the event", async () => {
    await put(workerLetter(), workerLetter({ workspaceId: 'initech' }));
    const { code, result } = await json(['show', '0:1']);
    expect(code).toBe(0);
    expect(result['letter']).toMatchObject({
      ref: '0:1',
      workspaceId: 'initech',
      attempts: 3,
      settled: null,
      headers: { 'dlq.original.partition': '1', 'dlq.original.offset': '42', 'mirror-kind': 'sync', ünïcode: '🗂️' },
      value: { event: { workspaceId: 'initech', occurredAt: '2025-11-30T11:04:05.123Z' }, problem: null, preview: null },
    });
    const { stdout } = await mirror(['show', '0:1']);
    expect(stdout).toContain(`${topics.events} 1:42, 2026-01-02T03:04:05.678Z`);
    expect(stdout).toMatch(/workspaceId +initech/);
  });

  test('a record that is not an event: the reason, and its bytes', async () => {
    await put(workerLetter({ value: Buffer.from('\u001B[2Jno event') }), workerLetter({ value: null }));
    const { stdout } = await mirror(['show', '0:0']);
    expect(stdout).toContain('not an event: not_framed');
    expect(stdout).toContain('text  ?[2Jno event');
    expect(stdout).toContain(`hex   ${Buffer.from('\u001B[2Jno event').toString('hex')}`);
    expect((await json(['show', '0:1'])).result).toMatchObject({ letter: { value: { bytes: null, problem: 'the record has no value' } } });
  });

  test('an unreadable handshake shows no token', async () => {
    const token = 'secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl';
    await put(quarantined(Buffer.from(`{"verification_token":"${token}",}`), 'notion'));
    for (const args of [
      ['show', '0:0'],
      ['show', '0:0', '--json'],
    ]) {
      const { code, stdout } = await mirror(args);
      expect(code).toBe(0);
      expect(stdout).toContain('verification_token');
      expect(stdout).not.toContain(token);
      expect(stdout).not.toContain(Buffer.from(token).toString('hex'));
    }
  });

  test('a missing letter', async () => {
    await put(workerLetter());
    for (const ref of ['0:1', '7:0']) {
      expect(await mirror(['show', ref])).toMatchObject({ code: 1, stderr: expect.stringContaining(`there is no dead letter ${ref}`) });
    }
    expect(await mirror(['show', 'first'])).toMatchObject({ code: 2 });
  });
});

describe('redrive', () => {
  test('requires a choice of letters, shows its plan, and does nothing without confirmation', async () => {
    await put(workerLetter(), workerLetter({ workspaceId: 'initech' }));
    expect(await mirror(['redrive', '--yes'])).toMatchObject({ code: 2, stderr: expect.stringContaining('no letters chosen') });
    expect(await mirror(['redrive', '--all', '--class', 'poison'])).toMatchObject({ code: 2 });
    const dry = await mirror(['redrive', '--all', '--dry-run']);
    expect(dry.code).toBe(0);
    expect(dry.stdout).toContain('Plan: redrive 2 dead letters of 2 tenants.');
    expect(dry.stdout).toContain(`2 appended to ${topics.events} again`);
    expect(dry.stdout).toMatch(/LETTERS +TENANT\n1 +acme\n1 +initech\n/);
    const unasked = await mirror(['redrive', '--class', 'poison']);
    expect(unasked).toMatchObject({ code: 2, stdout: '' });
    expect(unasked.stderr).toContain('Plan: redrive 2 dead letters');
    expect(unasked.stderr).toContain('--yes');
    expect(await mirror(['redrive', '0:0', '0:9', '--yes'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no dead letter 0:9'),
    });
    expect(await readAll(log.kafka, topics.events)).toEqual([]);
    expect(await refsThatWait()).toEqual(['0:0', '0:1']);
  });

  test('appends key, value and headers unchanged, once', async () => {
    const first = workerLetter({ code: 'other' });
    const second = workerLetter({ workspaceId: 'initech', value: Buffer.from([0, 255, 1]) });
    await put(first, second);
    const { code, result } = await json(['redrive', '0:1', '--yes']);
    expect(code).toBe(0);
    expect(result).toMatchObject({ ok: true, redriven: 1, remaining: 0, removed: 0, failure: null });
    const [record, ...others] = await readAll(log.kafka, topics.events);
    expect(others).toEqual([]);
    expect(record).toMatchObject({ key: 'initech', value: Buffer.from([0, 255, 1]) });
    const original = Object.entries(second.headers).filter(([name]) => !/^dlq\.(error|attempts|first_failed|failed|service)/.test(name));
    expect(record?.headers).toEqual({ ...Object.fromEntries(original), 'dlq.redrives': '1' });
    expect(record?.headers).toMatchObject({ 'dlq.original.offset': '42', 'mirror-kind': 'sync', ünïcode: '🗂️' });

    expect(await refsThatWait()).toEqual(['0:0']);
    expect(await mirror(['list', '--all', '--records'])).toMatchObject({ stdout: expect.stringContaining('0:1 (redriven)') });
    for (const args of [
      ['redrive', '0:1', '--yes'],
      ['redrive', '--workspace-id', 'initech', '--yes'],
      ['drop', '0:1', '--yes'],
    ]) {
      const again = await mirror(args);
      expect(again.code).toBe(0);
      expect(again.stdout).toContain('1 more matches and is already settled');
    }
    expect(await readAll(log.kafka, topics.events)).toHaveLength(1);
  });

  test('a letter that comes back keeps its first place and counts its redrives, and the sixth needs --force', async () => {
    await put(workerLetter({ headers: { 'dlq.redrives': '4', 'dlq.original.offset': '7' } }));
    expect((await mirror(['redrive', '--all', '--yes'])).code).toBe(0);
    const [record] = await readAll(log.kafka, topics.events);
    expect(record?.headers).toMatchObject({ 'dlq.redrives': '5', 'dlq.original.offset': '7' });
    await put(workerLetter({ headers: record?.headers ?? {} }));
    const refused = await mirror(['redrive', '--all', '--yes']);
    expect(refused).toMatchObject({ code: 1, stdout: expect.stringContaining('--force') });
    expect(await readAll(log.kafka, topics.events)).toHaveLength(1);
    expect((await mirror(['redrive', '--all', '--yes', '--force'])).code).toBe(0);
    expect((await readAll(log.kafka, topics.events)).map(({ headers }) => headers['dlq.redrives'])).toContain('6');
  });

  test('settled letters at the old end are removed, up to the first that waits', async () => {
    await put(workerLetter(), workerLetter({ code: 'other' }), workerLetter());
    expect((await json(['redrive', '--code', 'undecodable', '--yes'])).result).toMatchObject({ redriven: 2, removed: 1 });
    expect(await lowEnd()).toBe(1);
    expect(await refsThatWait()).toEqual(['0:1']);
    expect((await json(['drop', '--code', 'other', '--yes'])).result).toMatchObject({ dropped: 1, removed: 2 });
    expect(await lowEnd()).toBe(3);
    expect(await mongo.db.collection('settled_dead_letters').countDocuments({ topic: topics.deadLetters })).toBe(0);
    expect((await readAll(log.kafka, topics.events)).length).toBe(2);
  });

  test('a marker from an earlier topic of the same name is ignored', async () => {
    await put(workerLetter({ workspaceId: 'first' }), workerLetter({ workspaceId: 'second' }));
    await mirror(['redrive', '0:1', '--yes']);
    const admin = log.kafka.admin();
    await admin.connect();
    await admin.deleteTopics({ topics: [topics.deadLetters] });
    await expect.poll(() => admin.listTopics()).not.toContain(topics.deadLetters);
    await admin.disconnect();
    await createTopics(log.kafka, log.prefix, { partitions: 2, replicationFactor: 1, retentionMs: 3_600_000 }, []);
    await put(workerLetter(), workerLetter());
    expect(await refsThatWait()).toEqual(['0:0', '0:1']);
    expect((await json(['drop', '0:0', '--yes'])).result).toMatchObject({ removed: 1 });
    expect(await lowEnd()).toBe(1);
  });

  test('a letter that cannot be redriven stays, with a reason', async () => {
    await put(
      { topic: topics.deadLetters, key: null, value: Buffer.from('x'), headers: {} },
      workerLetter({ headers: { 'dlq.original.topic': 'payments' } }),
    );
    const { code, stdout } = await mirror(['redrive', '--all', '--yes']);
    expect(code).toBe(1);
    expect(stdout).toContain('1 more matches but will not be redriven: does not say where it came from.');
    expect(stdout).toContain(`came from another topic than ${topics.events}`);
    expect((await mirror(['drop', '--all', '--yes'])).code).toBe(0);
    expect(await refsThatWait()).toEqual([]);
  });
});

describe('redrive of an unreadable webhook', () => {
  const raw = Buffer.concat([Buffer.from('{"type":'), Buffer.from([0xff, 0]), Buffer.from('}')]);

  test('posts it unchanged, signed as by its sender', async () => {
    await createHandshakeStore({ db: mongo.db, encryptionKey: null }).keepOnce('notion', keptToken);
    const server = await ingress(({ path }) =>
      path === '/webhooks/nango' ? accepted() : { status: 200, body: { status: 'ignored', reason: 'linked_database' } },
    );
    await put(quarantined(raw), quarantined(Buffer.from('{'), 'notion'), workerLetter());
    const without = await mirror(['redrive', '--service', 'ingress', '--yes']);
    expect(without).toMatchObject({ code: 1, stdout: expect.stringContaining('--ingress-url') });
    const { code, stdout } = await mirror(['redrive', '--all', '--yes', '--ingress-url', `${server.url}/`]);
    expect(code).toBe(0);
    expect(stdout).toContain('redriven 3 dead letters (the ingress: 1 accepted, 1 ignored: linked_database)');
    expect(server.posted).toEqual([
      { path: '/webhooks/nango', body: raw, isSigned: true },
      { path: '/webhooks/notion', body: Buffer.from('{'), isSigned: true },
    ]);
    expect(await refsThatWait()).toEqual([]);
    expect(await readAll(log.kafka, topics.events)).toHaveLength(1);
  });

  test('one still unreadable is on the topic once, as the new letter', async () => {
    const server = await ingress(() => ({ status: 200, body: { status: 'quarantined' } }));
    await put(quarantined(raw));
    const { code, result } = await json(['redrive', '--all', '--yes', '--ingress-url', server.url]);
    expect(code).toBe(1);
    expect(result).toMatchObject({ ok: false, redriven: 0, stillUnreadable: 1, remaining: 0 });
    // The fake ingress wrote no new letter; the old one is settled.
    expect(await refsThatWait()).toEqual([]);
  });

  test('a failure stops it, and the same command continues there', async () => {
    let isUp = false;
    const server = await ingress(() => (isUp || server.posted.length < 2 ? accepted() : { status: 503, body: { status: 'unavailable' } }));
    await put(quarantined(Buffer.from('1')), quarantined(Buffer.from('2')), quarantined(Buffer.from('3')));
    const args = ['redrive', '--all', '--yes', '--ingress-url', server.url];
    const stopped = await json(args);
    expect(stopped).toMatchObject({
      code: 1,
      result: { ok: false, redriven: 1, remaining: 2, failure: expect.stringContaining('0:1: the ingress answered 503') },
    });
    expect(await refsThatWait()).toEqual(['0:1', '0:2']);
    isUp = true;
    expect(await json(args)).toMatchObject({ code: 0, result: { redriven: 2, remaining: 0 } });
    expect(server.posted.map(({ body }) => body.toString())).toEqual(['1', '2', '2', '3']);
  });

  test('a wrong key, no ingress, a body that is too large', async () => {
    const server = await ingress(() => ({ status: 413, body: { status: 'refused', reason: 'too_large' } }));
    await put(quarantined(Buffer.from('1')));
    const args = ['redrive', '--all', '--yes', '--ingress-url'];
    const wrongKey = await mirror([...args, server.url], { env: { MIRROR_NANGO_SIGNING_KEYS: 'rotated-away' } });
    expect(wrongKey).toMatchObject({ code: 1, stdout: expect.stringContaining('the ingress answered 401 (refused: invalid_signature)') });
    const noKey = await mirror([...args, server.url], { env: { MIRROR_NANGO_SIGNING_KEYS: '' } });
    expect(noKey).toMatchObject({ code: 1, stdout: expect.stringContaining('set MIRROR_NANGO_SIGNING_KEYS') });
    const dead = await mirror([...args, `http://127.0.0.1:${await deadPort()}`]);
    expect(dead).toMatchObject({ code: 1, stdout: expect.stringContaining('ECONNREFUSED') });
    const large = await mirror([...args, server.url]);
    expect(large).toMatchObject({ code: 1, stdout: expect.stringContaining('0:0 stays: too large for the ingress') });
    expect(await refsThatWait()).toEqual(['0:0']);
    expect(await mirror([...args, 'ftp://x'])).toMatchObject({ code: 2 });
  });
});

test('letters that arrive while a plan is carried out are not touched', async () => {
  const server = await ingress(async () => {
    await put(quarantined(Buffer.from('new')));
    return accepted();
  });
  await put(quarantined(Buffer.from('old')));
  const { code, result } = await json(['redrive', '--all', '--yes', '--ingress-url', server.url]);
  expect({ code, result }).toMatchObject({ code: 0, result: { redriven: 1, remaining: 0, removed: 1 } });
  expect(server.posted.map(({ body }) => body.toString())).toEqual(['old']);
  expect(await refsThatWait()).toEqual(['0:1']);
});

test('drop erases letters, and no others', async () => {
  await put(workerLetter(), quarantined(Buffer.from('{')), workerLetter());
  const plan = await json(['drop', '--all', '--dry-run']);
  expect(plan).toMatchObject({ code: 0, result: { plan: { action: 'drop', letters: 3, tenants: 1 } } });
  expect((await json(['drop', '0:0', '0:1', '--yes'])).result).toMatchObject({ dropped: 2, removed: 2 });
  expect(await lowEnd()).toBe(2);
  await put(workerLetter());
  expect(await refsThatWait()).toEqual(['0:2', '0:3']);
  expect(await readAll(log.kafka, topics.events)).toEqual([]);
});
