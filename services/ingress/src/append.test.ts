import { PublishError, type PublishFailure } from '@notion-mirror/event-log/publisher';
import { createLogger } from '@notion-mirror/service-kit/logger';
import { createMetrics } from '@notion-mirror/service-kit/metrics';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createAppender } from './append.ts';
import { limits } from './ingress.ts';
import { createIngressMetrics } from './ingress-metrics.ts';

interface NamedRecord {
  readonly topic: string;
  readonly key: string;
  readonly value: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

const record = (key: string, bytes = 1): NamedRecord => ({ topic: 'events', key, value: Buffer.alloc(bytes), headers: { a: 'b' } });

/** An appender over a fake log and spool with settable failures. */
function open(bounds: { maxSpooling?: number; maxSpoolingBytes?: number; spoolDeadlineMs?: number } = {}) {
  const published: unknown[] = [];
  const stored: unknown[] = [];
  const storing: PromiseWithResolvers<void>[] = [];
  const state = {
    healthy: true,
    failures: new Map<string, PublishFailure>(),
    spoolFails: new Set<string>(),
    spool: 'works' as 'works' | 'fails' | 'hangs',
    async publish(outgoing: { readonly key: unknown }): Promise<void> {
      const reason = state.failures.get(String(outgoing.key));
      if (reason !== undefined) throw new PublishError(reason, 'x');
      published.push(outgoing);
    },
  };
  const append = createAppender({
    publisher: {
      healthy: () => state.healthy,
      publish: (outgoing) => state.publish(outgoing),
    },
    spool: {
      async store(outgoing) {
        if (state.spool === 'fails' || state.spoolFails.has(String(outgoing.key))) throw new Error('unavailable');
        if (state.spool === 'hangs') {
          const gate = Promise.withResolvers<void>();
          storing.push(gate);
          await gate.promise;
        }
        stored.push(outgoing);
      },
    },
    metrics: createIngressMetrics(createMetrics('test')),
    logger: createLogger({ service: 'test', level: 'silent' }),
    spoolDeadlineMs: bounds.spoolDeadlineMs ?? 20,
    maxSpooling: bounds.maxSpooling ?? 10,
    maxSpoolingBytes: bounds.maxSpoolingBytes ?? 1_000,
  });
  return { append, published, stored, storing, state };
}

test('`log` when the log accepts all records', async () => {
  const { append, published, stored } = open();
  expect(await append([record('a'), record('b')])).toBe('log');
  expect([published, stored]).toEqual([[record('a'), record('b')], []]);
});

test.each<PublishFailure>(['deadline', 'full', 'refused', 'stopped'])(
  'only records that the log does not accept (%s) go to the spool',
  async (reason) => {
    const { append, published, stored, state } = open();
    state.failures.set('b', reason);
    expect(await append([record('a'), record('b'), record('c')])).toBe('spool');
    expect([published, stored]).toEqual([[record('a'), record('c')], [record('b')]]);
  },
);

test('publishes nothing while the log is known to be unavailable', async () => {
  const { append, published, stored, state } = open();
  state.healthy = false;
  expect(await append([record('a')])).toBe('spool');
  expect([published, stored]).toEqual([[], [record('a')]]);
});

test.each(['fails', 'hangs'] as const)('`nowhere` when the spool %s too', async (how) => {
  const { append, state } = open();
  state.failures.set('b', 'deadline');
  state.spool = how;
  expect(await append([record('a'), record('b')])).toBe('nowhere');
  state.failures.clear();
  expect(await append([record('b')])).toBe('log');
});

test('`nowhere` within two seconds when log and spool hang: the sender tries again while it has attempts left', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const { append, state } = open({ spoolDeadlineMs: limits.spoolMs });
  state.publish = () => new Promise((_resolve, reject) => setTimeout(() => reject(new PublishError('deadline', 'x')), limits.publishMs));
  state.spool = 'hangs';
  const settled = vi.fn<(result: string) => void>();
  void append([record('a')]).then(settled);
  await vi.advanceTimersByTimeAsync(1_999);
  expect(settled).toHaveBeenCalledExactlyOnceWith('nowhere');
});

test('`nowhere` when one of several records is stored in neither', async () => {
  const { append, stored, state } = open();
  state.healthy = false;
  state.spoolFails.add('b');
  expect(await append([record('a'), record('b'), record('c')])).toBe('nowhere');
  expect(stored).toEqual([record('a'), record('c')]);
});

test.each([
  ['records', { maxSpooling: 2 }],
  ['bytes', { maxSpoolingBytes: 20 }],
])('a bounded number of %s waits on a hanging spool; the rest is refused at once', async (_what, bounds) => {
  const { append, storing, state } = open(bounds);
  state.healthy = false;
  state.spool = 'hangs';
  const answers = Array.from({ length: 5 }, () => append([record('a', 10)]));
  expect(storing.length).toBe(2);
  expect(await Promise.all(answers)).toEqual(Array(5).fill('nowhere'));
  // No caller waits for these writes any more, but they are still in flight and hold memory.
  expect(await append([record('b', 10)])).toBe('nowhere');
  expect(storing.length).toBe(2);
  for (const { resolve } of storing) resolve();
  state.spool = 'works';
  await expect.poll(() => append([record('c', 10)])).toBe('spool');
});

test('a bug in the publisher is thrown, not treated as an outage and hidden in the spool', async () => {
  const { append, stored, state } = open();
  state.publish = () => Promise.reject(new TypeError('bug'));
  await expect(append([record('a')])).rejects.toThrow('bug');
  expect(stored).toEqual([]);
});
