import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { until } from '@notion-mirror/event-log/testing/isolated-log';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { openTestConsole, type RunningConsole, type TestConsole } from './testing/test-console.ts';

// While no page is open, the console asks for nothing: it hears of connections and of jobs by a change stream of each.

const stack = inject('stack');
let tested: TestConsole;
let operator: RunningConsole;
/** Connections of this process to Kafka and the registry, since before the console. */
const connections: Socket[] = [];
const ports = [stack.kafkaBrokers, new URL(stack.schemaRegistryUrl).host].map((address) => Number(address.split(':').at(-1)));

function note(message: unknown): void {
  const { socket } = message as { readonly socket: Socket };
  socket.once('connect', () => {
    if (ports.includes(socket.remotePort ?? 0)) connections.push(socket);
  });
}

beforeAll(async () => {
  tested = await openTestConsole(stack);
  await tested.connect({ workspaceId: 'acme' });
  subscribe('net.client.socket', note);
  operator = await tested.start({});
});
afterAll(async () => {
  unsubscribe('net.client.socket', note);
  await tested.mongo.db.command({ profile: 0 });
  await tested.close();
});

interface Profiled {
  readonly op: string;
  readonly ns: string;
  readonly command: Readonly<Record<string, unknown>>;
  readonly originatingCommand?: Readonly<Record<string, unknown>>;
}

/** What MongoDB was asked since the profile began, as `find in rows`; a change stream as `watch connections`. */
async function asked(): Promise<string[]> {
  const found = await tested.mongo.db.collection<Profiled>('system.profile').find({}).toArray();
  const own = found.filter(({ ns, command }) => !ns.endsWith('.system.profile') && !('profile' in command));
  return own.map(({ op, ns, command, originatingCommand = command }) => {
    const collection = ns.slice(ns.indexOf('.') + 1);
    return JSON.stringify(originatingCommand).includes('$changeStream') ? `watch ${collection}` : `${op} in ${collection}`;
  });
}

/** What MongoDB is asked while the change stream of connections, which waits for a second each time, is asked five times. */
async function askedInAWhile(): Promise<string[]> {
  await tested.mongo.db.command({ profile: 0 });
  await tested.mongo.db.collection('system.profile').drop();
  await tested.mongo.db.command({ profile: 2 });
  await until(async () => (await asked()).filter((one) => one === 'watch connections').length >= 5);
  return asked();
}

const allowed = ['watch connections', 'watch operator_actions'];
const unexpected = (found: readonly string[]): string[] => found.filter((one) => !allowed.includes(one));

const areClosed = (): boolean => connections.every(({ destroyed }) => destroyed);

test('before a page was opened, and after the last one was closed, neither MongoDB nor Kafka nor the registry is asked', async () => {
  expect(unexpected(await askedInAWhile())).toEqual([]);
  expect(connections).toHaveLength(0);

  for await (const { event } of operator.follow('/api/stream')) {
    for (const path of ['/api/me', '/api/status', '/api/history', '/api/tenants', '/api/dead-letters']) await operator.get(path);
    const open = await askedInAWhile();
    expect(open).toContain('watch event_outcomes');
    if (event === 'outcomes') break;
  }
  // The reader of the log stays for a while.
  await until(areClosed);
  const before = connections.length;
  expect(before).toBeGreaterThan(0);
  expect(unexpected(await askedInAWhile())).toEqual([]);
  expect(connections).toHaveLength(before);
});
