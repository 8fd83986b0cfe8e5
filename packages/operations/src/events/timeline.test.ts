import { assert, integer, option, property } from 'fast-check';
import { expect, test } from 'vitest';
import { timelineOf } from './timeline.ts';

type Outcome = Parameters<typeof timelineOf>[0];

const at = (ms: number) => new Date(Date.UTC(2026, 0, 1) + ms);
const outcome: Outcome = {
  origin: 'nango',
  occurredAt: at(0),
  receivedAt: at(1_000),
  at: at(1_100),
  place: { partition: 3, offset: 7, appendedAt: at(1_005) },
  waitedMs: 20,
  attempts: 1,
  fetch: { requestId: 'r', calls: 2, ms: 50 },
  record: { databaseId: 'd', pageId: null, rev: 1, asOf: at(1_040), ms: 4 },
  service: 'sync-worker',
  coalescedInto: null,
};
const partsOf = ({ parts }: ReturnType<typeof timelineOf>) => parts.map(({ kind, startMs, ms }) => [kind, startMs, ms]);

test('the parts follow each other, and the time on the log is what is left', () => {
  const found = timelineOf(outcome, null);
  expect(found).toMatchObject({ from: at(0), totalMs: 1_100, ownMs: 100, isCut: false });
  expect(partsOf(found)).toEqual([
    ['notion', 0, 1_000],
    ['append', 1_000, 5],
    ['log', 1_005, 21],
    ['lane', 1_026, 20],
    ['fetch', 1_046, 50],
    ['write', 1_096, 4],
  ]);
});

test('a coalesced event shows the fetch that answered for it', () => {
  const found = timelineOf({ ...outcome, fetch: null, record: null, coalescedInto: 'e2' }, outcome);
  expect(found.parts.map(({ text }) => text)).toContain('2 calls to Notion, for another event');
});

test('an event that was not announced begins at its receipt', () => {
  expect(timelineOf({ ...outcome, origin: 'reconcile' }, null)).toMatchObject({ from: at(1_000), totalMs: 100 });
});

test('an event that the ingress ignored has one part', () => {
  const ignored = { ...outcome, service: 'ingress', place: null, waitedMs: null, fetch: null, record: null, occurredAt: null } as const;
  expect(partsOf(timelineOf(ignored, null))).toEqual([['log', 0, 100]]);
});

test('what does not fit, since clocks disagree, is cut', () => {
  expect(timelineOf({ ...outcome, waitedMs: 5_000 }, null)).toMatchObject({ totalMs: 1_100, isCut: true });
});

test('the parts add up to the total, whatever was measured', () => {
  const time = integer({ min: -500, max: 5_000 });
  const maybe = option(time);
  assert(
    property(time, time, time, time, maybe, maybe, maybe, (occurred, received, ended, appended, waitedMs, fetchMs, writeMs) => {
      const { parts, totalMs, from } = timelineOf(
        {
          ...outcome,
          occurredAt: at(occurred),
          receivedAt: at(received),
          at: at(ended),
          place: { partition: 0, offset: 0, appendedAt: at(appended) },
          waitedMs,
          fetch: fetchMs === null ? null : { requestId: null, calls: 1, ms: fetchMs },
          record: writeMs === null ? null : { databaseId: 'd', pageId: null, rev: 1, asOf: at(0), ms: writeMs },
        },
        null,
      );
      let end = 0;
      for (const { startMs, ms } of parts) {
        expect(startMs).toBe(end);
        expect(ms).toBeGreaterThanOrEqual(0);
        end += ms;
      }
      expect(end).toBe(totalMs);
      expect(from.getTime() + totalMs).toBe(Math.max(at(ended).getTime(), at(received).getTime()));
    }),
  );
});
