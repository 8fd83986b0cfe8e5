import { createLogger } from '@notion-mirror/service-kit/logger';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createAssignments, type Assignments, type FetchedBatch } from './assignments.ts';
import type { Claim } from './work.ts';
import type { LogRecord } from '../log-record.ts';

const logger = createLogger({ service: 'test', level: 'silent' });

const batch = (partition: number, from: number, count: number, fetchedOffset = from): FetchedBatch => ({
  partition,
  fetchedOffset: String(fetchedOffset),
  lastOffset: String(from + count - 1),
  highWatermark: '1000',
  messages: Array.from({ length: count }, (_, index) => ({
    key: Buffer.from('tenant'),
    value: Buffer.from('value'),
    timestamp: '1764500000000',
    attributes: 0,
    offset: String(from + index),
    headers: {},
  })),
});

describe('the assignments', () => {
  let calls: string[];
  let pushed: { record: LogRecord; claim: Claim }[];
  let assignments: Assignments;
  const onEnd = vi.fn<() => void>();
  const onLateCompletion = vi.fn<() => void>();
  const onSkipped = vi.fn<(records: number) => void>();

  beforeEach(() => {
    vi.clearAllMocks();
    calls = [];
    pushed = [];
    assignments = createAssignments({
      topic: 'events',
      bound: { records: 100, bytes: 1_000_000 },
      control: {
        pause: (partitions) => calls.push(`pause ${partitions.join()}`),
        resume: (partitions) => calls.push(`resume ${partitions.join()}`),
        seek: (partition, offset) => calls.push(`seek ${partition} ${offset}`),
      },
      push: (record, claim) => pushed.push({ record, claim }),
      onEnd,
      onLateCompletion,
      onSkipped,
      logger,
    });
  });

  const due = () => assignments.dueCommits().map(({ partition, offset }) => [partition, Number(offset)]);
  const settle = (...offsets: number[]) => {
    for (const { record, claim } of pushed) if (offsets.includes(Number(record.offset))) claim.settle();
  };

  it('accepts nothing before it knows where to continue on the partition', () => {
    assignments.begin([0, 1]);
    expect(calls).toEqual(['pause 0,1']);
    expect(assignments.accept(batch(0, 0, 5))).toBe(false);
    assignments.place({ partition: 0, committed: 7n, low: 0n, high: 1_000n });
    expect(calls).toEqual(['pause 0,1', 'seek 0 7', 'resume 0']);
    expect(assignments.accept(batch(0, 7, 3))).toBe(true);
    expect(pushed.map(({ record }) => record.offset)).toEqual([7n, 8n, 9n]);
  });

  it('commits only the contiguous finished prefix', () => {
    assignments.begin([0]);
    assignments.place({ partition: 0, committed: null, low: 0n, high: 10n });
    assignments.accept(batch(0, 0, 4));
    settle(1, 2);
    expect(due()).toEqual([]);
    settle(0);
    expect(due()).toEqual([[0, 3]]);
    assignments.dueCommits()[0]!.committed();
    expect(due()).toEqual([]);
    settle(3);
    expect(due()).toEqual([[0, 4]]);
  });

  it('commits nothing of a partition after it was revoked, finished before or after', () => {
    assignments.begin([0]);
    assignments.place({ partition: 0, committed: 0n, low: 0n, high: 10n });
    assignments.accept(batch(0, 0, 3));
    settle(0);
    assignments.begin([1]);
    expect(onEnd).toHaveBeenCalled();
    expect(pushed.map(({ claim }) => claim.active)).toEqual([false, false, false]);
    settle(1, 2);
    expect(onLateCompletion).toHaveBeenCalledTimes(2);
    expect(due()).toEqual([]);
  });

  it('fences the earlier assignment of a partition that it keeps', () => {
    assignments.begin([0]);
    assignments.place({ partition: 0, committed: 0n, low: 0n, high: 10n });
    assignments.accept(batch(0, 0, 2));
    assignments.begin([0]);
    assignments.place({ partition: 0, committed: 0n, low: 0n, high: 10n });
    settle(0, 1);
    expect(due()).toEqual([]);
    expect(assignments.accept(batch(0, 0, 2))).toBe(true);
    expect(pushed).toHaveLength(4);
  });

  it('rejects a batch that was fetched for an earlier assignment: the records before it would be skipped', () => {
    assignments.begin([0]);
    assignments.place({ partition: 0, committed: 10n, low: 0n, high: 50n });
    expect(assignments.accept(batch(0, 20, 5))).toBe(false);
    expect(calls.at(-1)).toBe('seek 0 10');
    expect(pushed).toEqual([]);
    expect(assignments.accept(batch(0, 10, 5))).toBe(true);
    expect(assignments.accept(batch(0, 20, 5, 15))).toBe(true);
  });

  it('continues behind removed records, after it has asked for them once', () => {
    assignments.begin([0]);
    assignments.place({ partition: 0, committed: 10n, low: 0n, high: 50n });
    expect(assignments.accept(batch(0, 30, 2))).toBe(false);
    expect(assignments.accept(batch(0, 30, 2))).toBe(true);
    expect(onSkipped).toHaveBeenCalledWith(20);
    settle(30, 31);
    expect(due()).toEqual([[0, 32]]);
  });

  it('starts over on a recreated log', () => {
    assignments.begin([0]);
    assignments.place({ partition: 0, committed: 500n, low: 0n, high: 900n });
    assignments.accept(batch(0, 500, 1));
    const [old] = pushed.splice(0);
    expect(assignments.accept(batch(0, 0, 2))).toBe(false);
    expect(assignments.accept(batch(0, 0, 2))).toBe(true);
    expect(old!.claim.active).toBe(false);
    old!.claim.settle();
    settle(0, 1);
    expect(due()).toEqual([[0, 2]]);
  });

  it.each([
    ['below the log', 5n, 8n, 10n, 8, 3],
    ['above the log', 50n, 0n, 10n, 0, null],
  ])('starts at the beginning of the log when the committed offset is %s', (_, committed, low, high, start, skipped) => {
    assignments.begin([0]);
    assignments.place({ partition: 0, committed, low, high });
    expect(calls).toContain(`seek 0 ${start}`);
    expect(onSkipped.mock.calls).toEqual(skipped === null ? [] : [[skipped]]);
    expect(due()).toEqual([[0, start]]);
  });

  it('pauses a partition that holds four times what is free, and resumes it afterwards', () => {
    assignments.begin([0, 1]);
    for (const partition of [0, 1]) assignments.place({ partition, committed: 0n, low: 0n, high: 0n });
    calls.length = 0;
    assignments.accept(batch(0, 0, 80));
    expect(calls).toEqual(['pause 0']);
    assignments.accept(batch(1, 0, 1));
    settle(1, 2, 3, 4);
    expect(calls).toEqual(['pause 0']);
    settle(5, 6, 7, 8, 9);
    expect(calls).toEqual(['pause 0', 'resume 0']);
  });

  it('reports how far behind it is', () => {
    assignments.begin([0, 1]);
    assignments.place({ partition: 0, committed: 0n, low: 0n, high: 7n });
    assignments.accept(batch(0, 0, 2));
    settle(0);
    expect(assignments.states()).toEqual([
      { partition: 0, paused: false, lagRecords: 999n, oldestTimestamp: 1764500000000 },
      { partition: 1, paused: false, lagRecords: null, oldestTimestamp: null },
    ]);
  });
});
