import type { Failure } from '@notion-mirror/domain/failure';
import { createLogger } from '@notion-mirror/service-kit/logger';
import { expect, test } from 'vitest';
import { createBurial } from './burial.ts';
import type { DeadLetter } from './work.ts';

const logger = createLogger({ service: 'test', level: 'silent' });
const failure: Failure = { class: 'dependency', code: 'because', message: 'the test says so' };
const record = { topic: 'events', partition: 0, offset: 7n, timestamp: 0, key: null, value: null, headers: {} };
const entry = { record, attempts: 2, firstFailedAt: 1_000 };

/** Fails `failures` times. `stopsAfter`: the sleep at which the scheduler stops. */
function setUp({ failures = 0, stopsAfter = Number.POSITIVE_INFINITY } = {}) {
  const written: Parameters<DeadLetter>[] = [];
  const sleeps: number[] = [];
  const bury = createBurial({
    async deadLetter(...letter) {
      written.push(letter);
      if (written.length <= failures) throw new Error('Kafka is unavailable');
    },
    timers: {
      async sleep(ms) {
        sleeps.push(ms);
        return sleeps.length < stopsAfter;
      },
      stop() {},
    },
    logger,
  });
  return { bury, written, sleeps };
}

test('writes the record with its failure, its attempts and when it first failed', async () => {
  const { bury, written } = setUp();
  expect(await bury(entry, failure, () => true)).toBe(true);
  expect(written).toEqual([[record, failure, { attempts: 2, firstFailedAt: new Date(1_000) }]]);
});

test('retries after a growing wait until the dead letter is durable', async () => {
  const { bury, written, sleeps } = setUp({ failures: 6 });
  expect(await bury(entry, failure, () => true)).toBe(true);
  expect(written).toHaveLength(7);
  expect(sleeps).toHaveLength(6);
  expect(sleeps[0]).toBeLessThanOrEqual(500);
  expect(sleeps[5]).toBeGreaterThan(2_000);
  expect(sleeps[5]).toBeLessThanOrEqual(5_000);
});

test('gives up when the record is no longer wanted', async () => {
  const { bury, written } = setUp({ failures: 6 });
  expect(await bury(entry, failure, () => written.length < 2)).toBe(false);
  expect(written).toHaveLength(2);
});

test('gives up when the scheduler stops', async () => {
  const { bury, written } = setUp({ failures: 6, stopsAfter: 3 });
  expect(await bury(entry, failure, () => true)).toBe(false);
  expect(written).toHaveLength(3);
});
