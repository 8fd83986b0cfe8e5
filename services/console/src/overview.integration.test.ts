import { setTimeout as delay } from 'node:timers/promises';
import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import { createEventCodec } from '@notion-mirror/event-log/event-codec';
import { toRecord } from '@notion-mirror/event-log/event-record';
import { createPublisher } from '@notion-mirror/event-log/publisher';
import { silent, until } from '@notion-mirror/event-log/testing/isolated-log';
import { topicsFor } from '@notion-mirror/event-log/topics';
import { createOutcomeKeeper } from '@notion-mirror/mirror-store/outcome-keeper';
import type { EventOutcome } from '@notion-mirror/mirror-store/event-outcomes';
import { createLogger } from '@notion-mirror/service-kit/logger';
import { Registry } from '@notion-mirror/service-kit/metrics';
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest';
import { someOutcome } from '../../../packages/mirror-store/test/outcomes.ts';
import { mirror } from '../../../cli/test/surroundings.ts';
import type { EventAnswer, EventsAnswer } from './answers/events.ts';
import type { Me } from './answers/me.ts';
import type { HistoryOfWork, StatusAnswer } from './answers/status.ts';
import type { StreamedOutcomes, StreamedWaiting } from './answers/stream.ts';
import type { TenantAnswer, TenantsAnswer } from './answers/tenants.ts';
import { deadPort, silentPort } from '../../../cli/test/ports.ts';
import { openTestConsole, type RunningConsole, type TestConsole } from './testing/test-console.ts';

let tested: TestConsole;
let operator: RunningConsole;

beforeAll(async () => {
  tested = await openTestConsole(inject('stack'));
  operator = await tested.start({});
  for (const workspaceId of ['acme', 'globex', 'initech']) await tested.connect({ workspaceId });
  await tested.connect({ workspaceId: 'umbrella', status: 'paused' });
});
afterAll(async () => tested.close());

async function keep(...outcomes: readonly EventOutcome[]): Promise<void> {
  const keeper = createOutcomeKeeper({
    db: tested.mongo.db,
    retentionMs: 3_600_000,
    logger: createLogger({ service: 'test', level: 'silent' }),
    metrics: new Registry(),
  });
  outcomes.forEach((outcome) => keeper.keep(outcome));
  await keeper.flush();
  await keeper.stop();
  // They are written without waiting for the majority, and read from it.
  const written = tested.mongo.db.collection('event_outcomes', { readConcern: { level: 'majority' } });
  await until(async () => (await written.countDocuments({ eventId: { $in: outcomes.map(({ eventId }) => eventId) } })) >= outcomes.length);
}

test('without authentication who asks is an operator', async () => {
  expect(await operator.get<Me>('/api/me')).toMatchObject({
    name: null,
    role: 'operator',
    access: 'off',
    content: true,
    actions: { check: { allowed: true }, signOut: { allowed: false } },
  });
});

test.each([
  ['refuses connections', deadPort],
  ['hangs', silentPort],
])('while Kafka %s, the overview says so and shows what MongoDB knows', async (_what, port) => {
  const broker = `127.0.0.1:${await port()}`;
  const client = await tested.start({ MIRROR_KAFKA_BROKERS: broker });
  const letters = client.ask('/api/dead-letters');
  const status = await client.get<StatusAnswer>('/api/status');
  expect(status).toMatchObject({ tenants: { active: 3, paused: 1 }, groups: null, deadLetters: null, unavailable: [{ server: 'kafka' }] });
  expect(status.headline).toMatchObject({ level: 'bad', needs: [{ code: 'kafka_unavailable' }] });
  expect(status.headline.text).toContain(broker);
  expect(await letters).toMatchObject({ status: 503, json: { error: { code: 'kafka_unavailable' } } });
});

test('the overview says in one sentence what needs the operator', async () => {
  const status = await operator.get<StatusAnswer>('/api/status');
  expect(status).toMatchObject({
    tenants: { active: 3, paused: 1 },
    groups: [{ service: 'sync-worker', workers: 0, lag: 0 }, { service: 'delete-worker' }],
    deadLetters: 0,
    freshness: { second: 3, held: 1 },
    worst: [{ workspaceId: 'umbrella', state: 'paused', freshness: 'held' }],
    unavailable: [],
  });
  expect(status.headline).toMatchObject({ level: 'bad', text: '2 things need you. No sync-worker is running.' });
});

const met = (answer: Pick<HistoryOfWork, 'limits'>) => answer.limits.map(({ kind, reason, count }) => [kind, reason, count]);

test('figures, budgets of calls and the last hour are what the workers report', async () => {
  const { db } = tested.mongo;
  const now = new Date();
  const minute = new Date(Math.floor(now.getTime() / 60_000) * 60_000 - 60_000);
  const counts = { events: 120, documents: 60, saved: 6, calls: 90, limited: 2, freshness: [[16, 60]] };
  const limits = { limitedBy: { public_api_request_rate_limit: 2 }, postponedBy: { window: 5 } };
  const busiest = [
    { connectionId: 'of-acme', workspaceId: 'acme', calls: 170, limit: 180, windowEndsAt: now, heldUntil: null },
    { connectionId: 'of-globex', workspaceId: 'globex', calls: 2, limit: 180, windowEndsAt: now, heldUntil: now },
  ];
  const worker = { service: 'sync-worker', at: now, expiresAt: new Date(now.getTime() + 60_000), partitions: [], running: 0, waiting: 0 };
  await db.collection('worker_status').insertOne({
    ...worker,
    tenants: 0,
    oldestAt: null,
    backlog: [],
    lastMinute: { ...counts, ...limits, seconds: 60 },
    notion: { connections: 2, calls: 172, limit: 360, busiest },
  });
  await db.collection('minutes').insertMany([1, 2].map((n) => ({ service: 'sync-worker', at: minute, ...counts, ...limits, events: n })));

  const status = () => operator.get<StatusAnswer>('/api/status');
  await expect.poll(async () => (await status()).figures.eventsPerSecond).toBe(2);
  expect(await status()).toMatchObject({
    figures: { documentsPerSecond: 1, freshness: { p95Ms: 16 }, notionCallsPerMinute: 90, limitedPerMinute: 2, callsSavedPerMinute: 6 },
    notion: { connections: 2, calls: 172, limit: 360, busiest: [{ connectionId: 'of-acme', calls: 170 }, { connectionId: 'of-globex' }] },
  });
  expect(met((await status()).notion)).toEqual([
    ['refused', 'public_api_request_rate_limit', 2],
    ['postponed', 'window', 5],
  ]);
  const tenant = await operator.get<TenantAnswer>('/api/tenants/globex');
  expect(tenant.notion).toEqual([{ ...busiest[1], windowEndsAt: now.toISOString(), heldUntil: now.toISOString() }]);
  const hour = await operator.get<HistoryOfWork>('/api/history');
  expect(met(hour)).toEqual([
    ['refused', 'public_api_request_rate_limit', 4],
    ['postponed', 'window', 10],
  ]);
  const { minutes } = hour;
  expect(minutes).toHaveLength(60);
  expect(minutes.find((one) => one?.at === minute.toISOString())).toMatchObject({ events: 3, documents: 120, freshness: { p50Ms: 16 } });
  await db.collection('worker_status').deleteMany({});
});

test('tenants are listed page by page, filtered by what is found in memory', async () => {
  const { tenants, total } = await operator.get<TenantsAnswer>('/api/tenants?sort=name');
  expect(tenants.map(({ workspaceId }) => workspaceId)).toEqual(['acme', 'globex', 'initech', 'umbrella']);
  expect(total).toBe(4);
  expect((await operator.get<TenantsAnswer>('/api/tenants?state=paused')).tenants).toMatchObject([{ workspaceId: 'umbrella' }]);
  expect((await operator.get<TenantsAnswer>('/api/tenants?q=LOB')).tenants).toMatchObject([{ workspaceId: 'globex' }]);
  expect((await operator.ask('/api/tenants?state=happy')).status).toBe(400);
});

test('a tenant has a sentence, its connections without their tokens, and its sweep', async () => {
  const answer = await operator.get<TenantAnswer>('/api/tenants/umbrella');
  expect(answer).toMatchObject({
    tenant: { state: 'paused' },
    text: 'It is paused: nothing is mirrored. When it is resumed, a comparison with Notion finds what changed meanwhile.',
    connections: [{ connectionId: 'of-umbrella', status: 'paused', tokenHeldBy: 'nango' }],
    sweep: null,
    parked: 0,
  });
  expect(await operator.ask('/api/tenants/stranger')).toMatchObject({ status: 404, json: { error: { code: 'not_found' } } });
});

test('events are listed latest first, by keyset, with filters that only documents answer', async () => {
  const at = Date.now() - 500_000;
  const many = Array.from({ length: 120 }, (_, n) =>
    someOutcome(`many-${n}`, {
      workspaceId: 'acme',
      at: new Date(at + n),
      receivedAt: new Date(at + n - 10),
      outcome: n % 60 === 0 ? 'removed' : 'written',
    }),
  );
  await keep(...many, someOutcome('slow', { workspaceId: 'globex', at: new Date(at), receivedAt: new Date(at - 9_000) }));

  const first = await operator.get<EventsAnswer>('/api/events?tenant=acme');
  expect(first.events).toHaveLength(100);
  const second = await operator.get<EventsAnswer>(`/api/events?tenant=acme&cursor=${first.next}`);
  const ids = [...first.events, ...second.events].map(({ eventId }) => eventId);
  expect(new Set(ids)).toEqual(new Set(many.map(({ eventId }) => eventId)));
  expect(second.next).toBeNull();
  expect(ids).toHaveLength(120);

  const removed = await operator.get<EventsAnswer>('/api/events?outcome=removed,ignored&tenant=acme');
  expect(removed.events.map(({ eventId }) => eventId)).toEqual(['many-60', 'many-0']);
  const slow = await operator.get<EventsAnswer>('/api/events?minMs=5000');
  expect(slow.events.map(({ eventId, totalMs }) => [eventId, totalMs])).toEqual([['slow', 9_000]]);
  const none = await operator.get<EventsAnswer>(`/api/events?to=${new Date(at - 60_000).toISOString()}`);
  expect(none.events).toEqual([]);
});

test('events that need a look are found without the others, of one tenant, too', async () => {
  const routine = Array.from({ length: 30 }, (_, n) => someOutcome(`routine-${n}`, { workspaceId: 'initech' }));
  const parked = { outcome: 'parked', reason: 'paused', record: null } as const;
  await keep(
    ...routine,
    someOutcome('parked-1', { ...parked, workspaceId: 'initech' }),
    someOutcome('parked-2', { ...parked, workspaceId: 'umbrella' }),
    someOutcome('dead', { workspaceId: 'initech', outcome: 'dead_letter', reason: 'undecodable', record: null }),
  );
  const idsOf = async (query: string) => {
    const { events, next } = await operator.get<EventsAnswer>(`/api/events?needsLook=1${query}`);
    expect(next).toBeNull();
    expect(events.every(({ needsLook }) => needsLook)).toBe(true);
    return new Set(events.map(({ eventId }) => eventId));
  };
  expect(await idsOf('')).toEqual(new Set(['parked-1', 'parked-2', 'dead']));
  expect(await idsOf('&tenant=initech')).toEqual(new Set(['parked-1', 'dead']));
  expect(await idsOf('&tenant=initech&outcome=parked')).toEqual(new Set(['parked-1']));
  expect(await idsOf('&about=d1&service=sync-worker')).toEqual(new Set(['parked-1', 'parked-2', 'dead']));
  const mongodb = new URL(inject('stack').mongodbUri);
  mongodb.pathname = `/${tested.mongo.db.databaseName}`;
  const command = ['events', 'list', '--needs-look', '--workspace-id', 'initech', '--json'];
  const { stdout } = await mirror(command, { env: { MIRROR_MONGODB_URI: mongodb.href } });
  const answer = await operator.get<EventsAnswer>('/api/events?needsLook=1&tenant=initech');
  expect(JSON.parse(stdout)).toMatchObject({ events: answer.events.map(({ title: _title, ...event }) => event), hasMore: false });
  const { events } = await operator.get<EventsAnswer>('/api/events?about=routine-1');
  expect(events).toMatchObject([{ eventId: 'routine-1', needsLook: false }]);
});

test('the events about one record are in order of their own time, also where many are of one moment', async () => {
  const at = new Date(Date.now() - 400_000);
  await keep(...Array.from({ length: 150 }, (_, n) => someOutcome(`same-${n}`, { databaseId: 'moment', record: null, at })));
  const first = await operator.get<EventsAnswer>('/api/events?about=moment');
  const second = await operator.get<EventsAnswer>(`/api/events?about=moment&cursor=${first.next}`);
  expect(new Set([...first.events, ...second.events].map(({ eventId }) => eventId)).size).toBe(150);
  expect(second.next).toBeNull();
});

test('one event has a timeline whose parts add up, and its other outcomes', async () => {
  const receivedAt = new Date();
  const later = new Date(receivedAt.getTime() + 100);
  const place = { partition: 1, offset: 2, appendedAt: new Date(receivedAt.getTime() + 3) };
  const first = someOutcome('twice', { receivedAt, occurredAt: receivedAt, at: later, place });
  await keep(first, { ...first, outcome: 'unchanged', at: new Date(later.getTime() + 50) });
  const { event, timeline, repeats } = await operator.get<EventAnswer>('/api/events/twice');
  expect(event).toMatchObject({ eventId: 'twice', outcome: 'unchanged', totalMs: 150, fetch: { calls: 2 } });
  expect(timeline.parts.reduce((sum, { ms }) => sum + ms, 0)).toBe(timeline.totalMs);
  expect(repeats).toMatchObject([{ eventId: 'twice', outcome: 'written' }]);
  const byId = await operator.get<EventAnswer>(`/api/events/${repeats[0]?.id ?? ''}`);
  expect(byId.event.outcome).toBe('written');
  expect((await operator.ask('/api/events/never')).status).toBe(404);
});

test('an event links to its trace, where the operators have said where traces are', async () => {
  const trace = { trace_id: '0af7651916cd43dd8448eb211c80319c', span_id: '00f067aa0ba902b7', trace_flags: '01' };
  await keep(someOutcome('traced', trace));
  const traceId = trace.trace_id;
  expect((await operator.get<EventAnswer>('/api/events/traced')).event.trace).toEqual({ traceId, isSampled: true, url: null });
  const linking = await tested.start({ MIRROR_TRACE_URL: 'https://traces.example/{traceId}' });
  const { events } = await linking.get<EventsAnswer>('/api/events?about=traced');
  expect(events.map((event) => event.trace?.url)).toEqual([`https://traces.example/${traceId}`]);
  await linking.stop();
});

test('an event leads to the trace of the scan that it was left to', async () => {
  const ids = { trace_id: '2af7651916cd43dd8448eb211c80319c', scan_trace_id: '1af7651916cd43dd8448eb211c80319c' };
  await keep(someOutcome('left', { ...ids, span_id: 'b7ad6b7169203331', trace_flags: '01', scan_trace_flags: '00' }));
  const { event } = await operator.get<EventAnswer>('/api/events/left');
  expect(event.scanTrace).toEqual({ traceId: ids.scan_trace_id, isSampled: false, url: null });
});

test('new outcomes come by the stream, and one that broke is resumed', async () => {
  const read = operator.follow('/api/stream?tenant=globex');
  const opened = await read.next();
  expect(opened.value).toMatchObject({ event: 'outcomes', data: { events: [] } });
  await keep(someOutcome('live-1', { workspaceId: 'globex' }), someOutcome('live-2', { workspaceId: 'acme' }));
  const { value } = await read.next();
  expect(value?.data).toMatchObject({ events: [{ eventId: 'live-1' }], left: 0 } satisfies object);

  // A second reader keeps the stream open after the first has left.
  const other = operator.follow('/api/stream');
  await other.next();
  await read.return(undefined);
  await keep(someOutcome('live-3', { workspaceId: 'globex' }));
  await other.next();
  const again = operator.follow('/api/stream?tenant=globex', { 'last-event-id': value?.id ?? '' });
  await again.next();
  expect((await again.next()).value?.data).toMatchObject({ events: [{ eventId: 'live-3' }] });
  const lost = operator.follow('/api/stream', { 'last-event-id': 'of-another-run/1' });
  await lost.next();
  expect((await lost.next()).value?.event).toBe('gap');
  for (const stream of [other, again, lost]) await stream.return(undefined);
});

test('a burst is sampled, and the rest is counted', async () => {
  const read = operator.follow('/api/stream');
  await read.next();
  await keep(...Array.from({ length: 100 }, (_, n) => someOutcome(`burst-${n}`)));
  let [shown, left] = [0, 0];
  while (shown + left < 100) {
    const data = (await read.next()).value?.data as StreamedOutcomes;
    expect(data.events.length).toBeLessThanOrEqual(20);
    shown += data.events.length;
    left += data.left;
  }
  expect(shown + left).toBe(100);
  await read.return(undefined);
});

const appendedEvent = (eventId: string, workspaceId = 'acme'): DatabaseEvent => ({
  eventId,
  kind: 'sync',
  type: 'database.content_updated',
  workspaceId,
  connectionId: `of-${workspaceId}`,
  providerConfigKey: 'notion',
  notionWorkspaceId: 'n1',
  databaseId: '00000000-0000-4000-8000-000000000001',
  dataSourceId: null,
  pageId: null,
  occurredAt: new Date(),
  receivedAt: new Date(),
  origin: 'nango',
});

test('an event is shown as it is appended to the log, and its outcome comes in any case', async () => {
  const topic = topicsFor(tested.log.prefix).events;
  const codec = await createEventCodec({ schemaRegistry: tested.log.schemaRegistry, subject: topicsFor(tested.log.prefix).eventsSubject });
  const publisher = await createPublisher({ kafka: tested.log.kafka, logger: silent, metrics: new Registry(), deadlineMs: 30_000 });
  const append = async (one: DatabaseEvent) => publisher.publish(toRecord({ topic, event: one, codec }));
  const groups = async () => {
    const admin = tested.log.kafka.admin();
    await admin.connect();
    const { groups: all } = await admin.listGroups();
    await admin.disconnect();
    return all.map(({ groupId }) => groupId).filter((groupId) => groupId.startsWith(`${tested.log.prefix}notion-mirror.operator-`));
  };

  onTestFinished(async () => publisher.stop());
  // Of the other viewers: their reader stays for a while.
  const others = new Set(await groups());
  const isOwn = (groupId: string) => !others.has(groupId);
  const own = await tested.start({});
  const read = own.follow('/api/stream?tenant=acme');
  await read.next();
  // Until the reader has joined its group: what was appended before is not news.
  const message = read.next();
  for (let n = 0; ; n += 1) {
    await append(appendedEvent(`other-${n}`, 'globex'));
    await append(appendedEvent(`appended-${n}`));
    if ((await Promise.race([message, delay(200, null)])) !== null) break;
  }
  const { value } = await message;
  expect(value).toMatchObject({
    event: 'waiting',
    id: null,
    data: { events: [{ workspaceId: 'acme', outcome: 'waiting', service: 'sync-worker' }] },
  });
  const [waiting] = (value?.data as StreamedWaiting | undefined)?.events ?? [];
  expect(waiting).toMatchObject({ id: waiting?.eventId, place: { offset: expect.any(Number) } });
  expect((await groups()).filter(isOwn)).toHaveLength(1);

  // A burst of outcomes is sampled; that of the event which was shown is among those that are sent, and so is that of one that another answered.
  await keep(
    someOutcome(waiting?.eventId ?? '', { workspaceId: 'acme', at: new Date(Date.now() - 60_000) }),
    ...Array.from({ length: 100 }, (_, n) => someOutcome(`after-${n}`, { workspaceId: 'acme' })),
  );
  const found = async () => {
    for await (const { event: name, data } of read) {
      if (name !== 'outcomes') continue;
      if ((data as StreamedOutcomes).events.some(({ eventId }) => eventId === waiting?.eventId)) return true;
    }
    return false;
  };
  expect(await found()).toBe(true);
  await read.return(undefined);
  await own.stop();
  expect((await groups()).filter(isOwn)).toEqual([]);
});
