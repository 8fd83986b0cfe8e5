import { tracingOff } from '@notion-mirror/service-kit/tracing/tracing';
import { createProcessSpans } from '@notion-mirror/worker/process-spans';
import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import { createEventRouting } from '@notion-mirror/event-log/event-routing';
import { createLaneScheduler } from '@notion-mirror/event-log/lanes/lane-scheduler';
import { createLogger } from '@notion-mirror/service-kit/logger';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createFloodHandler } from '../consume/floods.ts';
import { createWorkHandler } from '../consume/handle-work.ts';
import type { SyncedWork } from '../consume/sync-entity.ts';
import { withContentPace } from './content-pace.ts';

const lagMs = 60_000;
const now = () => Date.now();
const settled: SyncedWork = { kind: 'settled', outcome: 'written', trail: null, calls: 2 };

beforeEach(() => {
  vi.useFakeTimers({ now: new Date('2026-03-01T12:00:00.000Z') });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A tenant's lane with the real routing and scheduler. `reads`: what the database was read for, and when. */
function tenant(given: { readonly answers?: SyncedWork[] } = {}) {
  const events: DatabaseEvent[] = [];
  const reads: { readonly type: string; readonly at: number }[] = [];
  const ended = new Map<string, string>();
  const report = ({ item }: { readonly item: DatabaseEvent }, outcome: string): void => {
    expect(ended.has(item.eventId)).toBe(false);
    ended.set(item.eventId, outcome);
  };
  const sync = withContentPace(
    (_work, { type }) => {
      reads.push({ type, at: now() });
      return Promise.resolve(given.answers?.shift() ?? settled);
    },
    { lagMs, now },
  );
  const spans = createProcessSpans({ tracing: tracingOff, topic: 'events', group: 'test' });
  const codec = {
    schemaId: 1,
    encode: () => Buffer.alloc(0),
    decode: (value: Buffer) => Promise.resolve({ kind: 'event' as const, event: events[Number(value)]! }),
  };
  const scheduler = createLaneScheduler<DatabaseEvent>({
    route: createEventRouting(codec, 'sync'),
    handle: createWorkHandler({
      spans,
      entities: [{ kind: { name: 'database', isAbout: () => true } as never, sync }],
      recheckConnections: () => Promise.resolve(false),
      park: () => Promise.resolve(),
      retrying: () => expect.unreachable('no event fails'),
      report,
      now,
    }),
    groups: createFloodHandler({
      spans,
      floodEvents: 2_000,
      rowFloods: () => expect.unreachable('no event is about a row'),
      wantSweep: () => expect.unreachable('no sweep is needed'),
      report,
      now,
    }),
    deadLetter: () => expect.unreachable('no event is a dead letter'),
    perLane: 4,
    total: 512,
    logger: createLogger({ service: 'test', level: 'silent' }),
    observer: { passed() {}, handled() {}, retried() {}, deadLettered() {} },
  });
  return {
    reads,
    ended,
    scheduler,
    send: (type: DatabaseEvent['type'], dataSourceId: string | null = 'S'): void => {
      const at = new Date(now());
      const offset = events.length;
      events.push({
        eventId: `e${offset}`,
        kind: 'sync',
        type,
        workspaceId: 'acme',
        connectionId: 'c',
        providerConfigKey: 'notion',
        notionWorkspaceId: 'n',
        databaseId: 'D',
        dataSourceId,
        pageId: null,
        occurredAt: at,
        receivedAt: at,
        origin: 'notion',
      });
      const record = { topic: 't', partition: 0, offset: BigInt(offset), timestamp: now(), headers: { 'mirror-kind': 'sync' } };
      scheduler.push({ ...record, key: Buffer.from('acme'), value: Buffer.from(String(offset)) }, { active: true, settle() {} });
    },
  };
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

test('an import of 5,000 rows, each announced as a change of its data source, takes a handful of reads', async () => {
  const { send, reads, ended, scheduler } = tenant();
  let most = 0;
  for (let row = 0; row < 5_000; row += 1) {
    send('data_source.content_updated');
    await pass(12);
    most = Math.max(most, scheduler.load().waiting);
  }
  const end = Date.now();
  await pass(2 * lagMs);
  expect(reads.length).toBeLessThanOrEqual(3);
  expect(reads.at(-1)?.at).toBeGreaterThan(end);
  expect([ended.size, scheduler.load().waiting]).toEqual([5_000, 0]);
  expect(most).toBeLessThanOrEqual(3_000);
});

test('the first of them is read at once, and so is every other change meanwhile', async () => {
  const { send, reads } = tenant();
  const start = Date.now();
  for (let second = 0; second < 30; second += 1) {
    send('data_source.content_updated');
    if (second === 20) send('data_source.schema_updated');
    await pass(1_000);
  }
  expect(reads.map(({ type, at }) => [type, Math.floor((at - start) / 1_000)])).toEqual([
    ['data_source.content_updated', 0],
    ['data_source.schema_updated', 20],
  ]);
});

test('each data source has its own time, and a read that failed does not count', async () => {
  const failed: SyncedWork = {
    kind: 'retry',
    at: Date.now() + 1_000,
    scope: 'connection',
    failure: { class: 'server', code: 'x', message: '' },
  };
  const { send, reads } = tenant({ answers: [failed] });
  send('data_source.content_updated');
  await pass(5_000);
  expect(reads).toHaveLength(2);
  send('data_source.content_updated', 'T');
  await pass(1_000);
  expect(reads).toHaveLength(3);
});
