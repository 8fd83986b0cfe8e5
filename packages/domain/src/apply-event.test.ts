import { expect, test } from 'vitest';
import { applyDelete, applySync } from './apply-event.ts';
import type { RecordState } from './write-rule.ts';

const live: RecordState = { rev: 1, asOf: 0, source: 'fetch', live: true };
const newer: RecordState = { rev: 2, asOf: 0, source: 'fetch', live: true };
const event = { occurredAt: 1000, receivedAt: 1000 };

test('a sync reads before it fetches, and repeats both after a conflict', async () => {
  const steps: string[] = [];
  const records = [live, newer];
  let time = 2000;
  const result = await applySync(
    {
      recall: () => null,
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

test('a skipped sync does not fetch', async () => {
  const seen = { ...live, asOf: 1011 };
  const result = await applySync({ recall: () => null, read: async () => seen, now: never, fetch: never, write: never }, event, 10);
  expect(result).toEqual({ kind: 'skipped', record: seen });
});

test('a recalled record is read only after a write over it conflicts', async () => {
  const steps: string[] = [];
  const sync = (recalled: RecordState, current: RecordState | null) =>
    applySync(
      {
        recall: () => recalled,
        read: async () => {
          steps.push('read');
          return current;
        },
        now: () => 2000,
        fetch: async () => 'content',
        write: async (record) => {
          steps.push(`write over rev ${record?.rev}`);
          return { kind: record === current ? ('written' as const) : ('conflict' as const) };
        },
      },
      event,
      10,
    );
  await sync(live, live);
  expect(steps.splice(0)).toEqual(['write over rev 1']);
  await sync(live, newer);
  expect(steps).toEqual(['write over rev 1', 'read', 'write over rev 2']);
});

test('no event is skipped because of a recalled record, which MongoDB may have lost', async () => {
  const fresh = { ...live, asOf: 1011 };
  const sync = (current: RecordState | null) =>
    applySync(
      {
        recall: () => fresh,
        read: async () => current,
        now: () => 2000,
        fetch: async () => 'content',
        write: async (over) => ({ kind: 'written' as const, over }),
      },
      event,
      10,
    );
  expect(await sync(null)).toEqual({ kind: 'written', over: null });
  expect(await sync(fresh)).toEqual({ kind: 'skipped', record: fresh });
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
