import { randomUUID } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import { databaseEventContract } from '@notion-mirror/schemas/contract';
import { createAssignments } from '../lanes/assignments.ts';
import { toRecord } from '../event-record.ts';
import { createEventRouting } from '../event-routing.ts';
import { createLaneScheduler } from '../lanes/lane-scheduler.ts';
import { eventOf, silent } from './isolated-log.ts';

// Prints how many bytes an event takes in this process (started with --expose-gc) while it waits for its turn.

const events = 20_000;
const tenants = 200;
const { type } = databaseEventContract().latest;

const encode = (event: DatabaseEvent): Buffer =>
  type.toBuffer({ ...event, occurredAt: event.occurredAt.getTime(), receivedAt: event.receivedAt.getTime() });
function decode(value: Buffer): DatabaseEvent {
  const event = type.fromBuffer(value) as DatabaseEvent;
  return { ...event, occurredAt: new Date(event.occurredAt), receivedAt: new Date(event.receivedAt) };
}

const scheduler = createLaneScheduler<DatabaseEvent>({
  route: createEventRouting({ schemaId: 1, encode, decode: async (value) => ({ kind: 'event', event: decode(value) }) }, 'sync'),
  handle: () => new Promise(() => {}),
  deadLetter: async () => {},
  perLane: 4,
  total: 8,
  logger: silent,
  observer: { passed() {}, handled() {}, retried() {}, deadLettered() {} },
});
const assignments = createAssignments({
  topic: 'events',
  bound: { records: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY },
  control: { pause() {}, resume() {}, seek() {} },
  push: scheduler.push,
  onEnd() {},
  onLateCompletion() {},
  onSkipped() {},
  logger: silent,
});

const notionWorkspaces = Array.from({ length: tenants }, () => randomUUID());
function message(offset: number) {
  const workspaceId = `tenant-${offset % tenants}`;
  const event = eventOf({
    workspaceId,
    connectionId: `connection-of-${workspaceId}`,
    notionWorkspaceId: notionWorkspaces[offset % tenants] ?? '',
    databaseId: randomUUID(),
    trace: `00-${randomUUID().replaceAll('-', '')}-0123456789abcdef-00`,
  });
  const record = toRecord({ topic: 'events', event, codec: { encode }, accessibleBy: [workspaceId.padStart(36, '0')] });
  const headers = Object.fromEntries(Object.entries(record.headers).map(([name, value]) => [name, Buffer.from(value)]));
  const [key, timestamp] = [Buffer.from(workspaceId), String(Date.now())];
  return { key, value: record.value, timestamp, attributes: 0, offset: String(offset), headers };
}

function used(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

assignments.begin([0]);
assignments.place({ partition: 0, committed: 0n, low: 0n, high: BigInt(events) });
const before = used();
for (let from = 0; from < events; from += 500) {
  const messages = Array.from({ length: 500 }, (_, index) => message(from + index));
  const [fetchedOffset, lastOffset, highWatermark] = [String(from), String(from + 499), String(events)];
  assignments.accept({ partition: 0, fetchedOffset, lastOffset, highWatermark, messages });
  await turn();
}
await turn();
const bytes = Math.round((used() - before) / events);
process.stdout.write(JSON.stringify({ waiting: scheduler.load().waiting, bytes }), () => process.exit(0));
