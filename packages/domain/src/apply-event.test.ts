import { expect, test } from 'vitest';
import { applyDelete, applySync } from './apply-event.ts';
import type { RecordState } from './write-rule.ts';

const live: RecordState = { rev: 1, asOf: 0, source: 'fetch', live: true };
const newer: RecordState = { rev: 2, asOf: 0, source: 'fetch', live: true };
const event = { occurredAt: 1000, receivedAt: 1000 };

test('a sync reads before it fetches, and after a conflict does both again', async () => {
  const steps: string[] = [];
  const records = [live, newer];
  let time = 2000;
  const result = await applySync(
    {
      read: async () => {
        steps.push('read');
        return records.shift() ?? null;
      },
      now: () => {
        steps.push('now');
        return (time += 1);
      },
      fetch: async () => {
        steps.push('fetch');
        return 'content';
      },
      write: async (record, fetched, asOf) => {
        steps.push(`write ${fetched} of ${asOf} over rev ${record?.rev}`);
        return record === newer ? { kind: 'written' as const } : { kind: 'conflict' as const };
      },
    },
    event,
    10,
  );
  expect(result).toEqual({ kind: 'written' });
  expect(steps).toEqual([
    'read',
    'now',
    'fetch',
    'write content of 2001 over rev 1',
    'read',
    'now',
    'fetch',
    'write content of 2002 over rev 2',
  ]);
});

const never = () => {
  throw new Error('not expected');
};

test('a sync that needs no fetch makes none', async () => {
  const seen = { ...live, asOf: 1011 };
  const result = await applySync({ read: async () => seen, now: never, fetch: never, write: never }, event, 10);
  expect(result).toEqual({ kind: 'skipped', record: seen });
});

test('a delete decides again after a conflict', async () => {
  const records: (RecordState | null)[] = [null, { ...live, asOf: 1005 }];
  const steps: string[] = [];
  const result = await applyDelete(
    {
      read: async () => records.shift() ?? null,
      write: async (_, decision) => {
        steps.push(decision);
        return { kind: 'conflict' as const };
      },
      recheck: async () => {
        steps.push('recheck appended');
      },
    },
    event,
    10,
  );
  expect(steps).toEqual(['tombstone_missing', 'recheck appended']);
  expect(result).toEqual({ decision: 'recheck', written: null });
});
