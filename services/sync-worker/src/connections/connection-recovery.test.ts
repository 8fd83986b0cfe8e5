import type { Connection } from '@notion-mirror/domain/connection';
import type { NotionSource } from '@notion-mirror/notion-source/notion-source';
import { createLogger } from '@notion-mirror/service-kit/logger';
import { Registry } from '@notion-mirror/service-kit/metrics';
import { expect, test } from 'vitest';
import { createRecoveryTurn } from './connection-recovery.ts';

const minute = 60_000;
const hour = 60 * minute;

/** A connection that has just become unauthorized, and a Notion that answers each probe with `answer`. */
function recovery(answer: (at: number) => Awaited<ReturnType<NotionSource['probe']>>, options: { owns?: boolean; forMs?: number } = {}) {
  const began = Date.parse('2026-11-25T12:00:00Z');
  let time = began;
  let connection: Connection = {
    connectionId: 'c1',
    providerConfigKey: 'notion',
    workspaceId: 'acme',
    notionWorkspaceId: 'n1',
    botId: null,
    status: 'unauthorized',
    statusReason: 'token_refused',
    token: null,
    createdAt: new Date(0),
    updatedAt: new Date(began - (options.forMs ?? 0)),
  };
  const probedAt: number[] = [];
  const set = (status: Connection['status']): void => {
    connection = { ...connection, status, updatedAt: new Date(time) };
  };
  const turn = createRecoveryTurn({
    connections: { allUnauthorized: () => (connection.status === 'unauthorized' ? [connection] : []) },
    store: {
      readmit(seen) {
        if (seen.updatedAt.getTime() !== connection.updatedAt.getTime()) return Promise.resolve({ kind: 'unchanged', connection });
        set('active');
        return Promise.resolve({ kind: 'changed', connection });
      },
    },
    probe: () => {
      probedAt.push(time - began);
      return Promise.resolve(answer(time - began));
    },
    owns: () => options.owns ?? true,
    now: () => time,
    random: () => 0.5,
    logger: createLogger({ service: 'test', level: 'silent' }),
    metrics: new Registry(),
  });
  return {
    /** Advances time, with a turn every 15 s. */
    pass: async (ms: number) => {
      for (const end = time + ms; time < end; time += 15_000) await turn(new AbortController().signal);
    },
    probedAt,
    status: () => connection.status,
    refuse: () => set('unauthorized'),
  };
}

// A connection used to return only by an operator, whatever the cause had been.
test('a connection whose token is accepted again soon becomes active without an operator', async () => {
  const { pass, status } = recovery((at) => (at > 5 * minute ? 'accepted' : 'refused'));
  await pass(5 * minute);
  expect(status()).toBe('unauthorized');
  await pass(6 * minute);
  expect(status()).toBe('active');
});

test('a connection that stays refused is probed less and less often, and not forever', async () => {
  const { pass, probedAt } = recovery(() => 'refused');
  await pass(24 * hour);
  expect(probedAt[0]).toBeLessThan(2 * minute);
  expect(probedAt.length).toBeLessThan(16);
  const gaps = probedAt.slice(1).map((at, index) => at - probedAt[index]!);
  expect(Math.max(...gaps)).toBeLessThanOrEqual(7 * hour);
  const month = recovery(() => 'refused', { forMs: 31 * 24 * hour });
  await month.pass(24 * hour);
  expect(month.probedAt).toEqual([]);
});

test('a flapping connection does not cost a comparison every minute', async () => {
  const { pass, probedAt, status, refuse } = recovery(() => 'accepted');
  await pass(2 * minute);
  expect(status()).toBe('active');
  refuse();
  await pass(30 * minute);
  expect(probedAt).toHaveLength(1);
  await pass(hour);
  expect(status()).toBe('active');
});

test('a worker probes the connections of its own tenants only', async () => {
  const { pass, probedAt } = recovery(() => 'accepted', { owns: false });
  await pass(hour);
  expect(probedAt).toEqual([]);
});
