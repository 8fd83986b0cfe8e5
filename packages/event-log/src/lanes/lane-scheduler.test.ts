import { createLogger } from '@notion-mirror/service-kit/logger';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLaneScheduler } from './lane-scheduler.ts';
import type { Claim, Fate, GroupOutcome, GroupWork, Outcome, Routing, Work, WorkItem } from './work.ts';
import type { Failure } from '@notion-mirror/domain/failure';
import type { LogRecord } from '../log-record.ts';

const logger = createLogger({ service: 'test', level: 'silent' });
const failure: Failure = { class: 'dependency', code: 'because', message: 'the test says so' };
const retry = (scope: 'task' | 'lane', milliseconds: number): Outcome => ({ kind: 'retry', at: Date.now() + milliseconds, scope, failure });

/** A record of `lane` for `task`; its offset identifies it. */
function recordOf(lane: string | null, task: string, offset: number): LogRecord {
  return {
    topic: 'events',
    partition: 0,
    offset: BigInt(offset),
    timestamp: 0,
    key: lane === null ? null : Buffer.from(lane),
    value: Buffer.from(task),
    headers: {},
  };
}

interface Run {
  readonly work: Work<string>;
  readonly end: (outcome: Outcome) => Promise<void>;
  readonly fail: (error: Error) => Promise<void>;
}

interface GroupRun {
  readonly work: GroupWork<string>;
  readonly end: (outcome: GroupOutcome<string>) => Promise<void>;
  readonly fail: (error: Error) => Promise<void>;
}

async function advance(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0);
}

/** A call of a handler that the test ends. */
function pendingCall<O>(): {
  readonly outcome: Promise<O>;
  readonly end: (outcome: O) => Promise<void>;
  readonly fail: (error: Error) => Promise<void>;
} {
  const { promise, resolve, reject } = Promise.withResolvers<O>();
  return {
    outcome: promise,
    end: (outcome) => {
      resolve(outcome);
      return advance();
    },
    fail: (error) => {
      reject(error);
      return advance();
    },
  };
}

interface Options {
  supersede?: (items: readonly WorkItem<string>[]) => readonly WorkItem<string>[];
  perLane?: number;
  total?: number;
  route?: (record: LogRecord) => Routing<string> | Promise<Routing<string>>;
  deadLetter?: (record: LogRecord, failure: Failure, context: { attempts: number; firstFailedAt: Date }) => Promise<void>;
}

function harness({ perLane = 4, total = 256, ...options }: Options = {}) {
  const runs: Run[] = [];
  const groupRuns: GroupRun[] = [];
  const settled: number[] = [];
  const buried: number[] = [];
  const active = { all: true };
  let offset = 0;
  const scheduler = createLaneScheduler<string>({
    route: options.route ?? ((record) => ({ kind: 'work', task: String(record.value), item: `${record.offset}` })),
    async handle(work) {
      const { outcome, ...call } = pendingCall<Outcome>();
      runs.push({ work, ...call });
      return outcome;
    },
    groups: {
      isMany: ({ ready }) => ready > 2,
      maxRecords: 6,
      async handle(work) {
        const { outcome, ...call } = pendingCall<GroupOutcome<string>>();
        groupRuns.push({ work, ...call });
        return outcome;
      },
      supersede: options.supersede ?? (() => []),
    },
    deadLetter:
      options.deadLetter ??
      (async (record) => {
        buried.push(Number(record.offset));
      }),
    perLane,
    total,
    logger,
    observer: { passed() {}, handled() {}, retried() {}, deadLettered() {} },
  });
  return {
    scheduler,
    runs,
    groupRuns,
    settled,
    buried,
    active,
    push: (lane: string | null, task: string): void => {
      const record = recordOf(lane, task, offset);
      offset += 1;
      const mine: Claim = {
        get active() {
          return active.all;
        },
        settle: () => settled.push(Number(record.offset)),
      };
      scheduler.push(record, mine);
    },
    /** The calls of `handle`, run by run: `lane/task: items`. */
    seen: () => runs.map(({ work }) => `${work.lane}/${work.task}: ${work.items.map(({ item }) => item).join(' ')}`),
    /** The same of groups: `lane/group: items`. */
    seenGroups: () => groupRuns.map(({ work }) => `${work.lane}/${work.group}: ${work.items.map(({ item }) => item).join(' ')}`),
    tick: advance,
  };
}

/** Rows of a group that their name begins with, as `a1`; other tasks have rank 0 and no group. */
function grouped(record: LogRecord): Routing<string> {
  const task = String(record.value);
  const work = { kind: 'work', task, item: `${record.offset}` } as const;
  return task.length === 2 ? { ...work, rank: 1, group: task.slice(0, 1) } : work;
}

/** In the histories of the property below. */
function groupOf(task: number): string | null {
  return task < 2 ? null : `group-${task % 2}`;
}

/** Fates by item; those not listed are `done`. */
const sorted = (fates: Record<string, Fate> = {}, until: number | null = null, gathers = false): GroupOutcome<string> => ({
  fateOf: ({ item }) => fates[item] ?? 'done',
  until,
  gathers,
});

const done: Outcome = { kind: 'done' };

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('the order of work', () => {
  it.each<[string, Failure, string[]]>([
    ['that waited because an answer was stale keeps its turn', { ...failure, class: 'stale' }, ['acme/first: 0', 'acme/second: 2']],
    ['that has failed comes after those that have not', failure, ['acme/second: 2', 'acme/first: 0']],
  ])('a task %s', async (_, why, expected) => {
    const { push, runs, seen } = harness({ perLane: 1 });
    push('acme', 'first');
    await vi.advanceTimersByTimeAsync(1);
    const other = { kind: 'retry', at: Date.now() + 5_000, scope: 'task', failure: why } as const;
    await runs[0]!.end(other);
    push('acme', 'busy');
    await vi.advanceTimersByTimeAsync(5_000);
    push('acme', 'second');
    await vi.advanceTimersByTimeAsync(1);
    await runs[1]!.end(done);
    await runs[2]!.end(done);
    expect(seen().slice(2)).toEqual(expected);
  });

  it('runs one task strictly in order, and hands over all waiting records together', async () => {
    const { push, runs, seen, settled, tick } = harness();
    push('acme', 'tasks');
    await tick();
    push('acme', 'tasks');
    push('acme', 'tasks');
    push('acme', 'tasks');
    await tick();
    expect(seen()).toEqual(['acme/tasks: 0']);
    await runs[0]!.end(done);
    expect(seen()).toEqual(['acme/tasks: 0', 'acme/tasks: 1 2 3']);
    expect(settled).toEqual([0]);
    await runs[1]!.end(done);
    expect(settled).toEqual([0, 1, 2, 3]);
  });

  it('reports since when each record waits', async () => {
    const { push, runs, tick } = harness();
    const began = Date.now();
    push('acme', 'tasks');
    await tick();
    await vi.advanceTimersByTimeAsync(300);
    push('acme', 'tasks');
    await vi.advanceTimersByTimeAsync(500);
    await runs[0]!.end(done);
    await tick();
    expect(runs.map(({ work }) => work.items.map(({ takenAt }) => takenAt - began))).toEqual([[0], [300]]);
  });

  it('reports the backlog of each lane, held ones first', async () => {
    const { push, runs, scheduler, tick } = harness({ perLane: 1 });
    for (const lane of ['acme', 'globex', 'idle']) push(lane, 'a');
    push('globex', 'b');
    await tick();
    await runs[2]!.end(done);
    push('acme', 'a');
    push('acme', 'b');
    const until = Date.now() + 60_000;
    await runs[1]!.end({ kind: 'retry', at: until, scope: 'lane', failure });
    expect(scheduler.backlog(10)).toEqual([
      { lane: 'globex', waiting: 2, oldestAt: 0, held: { until, failure } },
      { lane: 'acme', waiting: 2, oldestAt: 0, held: null },
    ]);
    expect(scheduler.backlog(1)).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(scheduler.backlog(10).every(({ held }) => held === null)).toBe(true);
  });

  it('counts the records that more processes would help with: not those of a lane that waits for its budget', async () => {
    const { push, runs, scheduler, tick } = harness({ perLane: 1 });
    for (const lane of ['acme', 'globex']) for (const task of ['a', 'b', 'b']) push(lane, task);
    await tick();
    expect(scheduler.load()).toMatchObject({ running: 2, waiting: 4, runnable: 4 });
    await runs[0]!.end(retry('lane', 60_000));
    expect(scheduler.load()).toMatchObject({ running: 1, waiting: 5, runnable: 2 });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(scheduler.load()).toMatchObject({ running: 2, waiting: 3, runnable: 3 });
  });

  it('hands over records together that arrive together', async () => {
    const { push, seen, tick } = harness();
    for (let index = 0; index < 50; index += 1) push('acme', 'tasks');
    await tick();
    expect(seen()).toHaveLength(1);
    expect(seen()[0]!.split(' ')).toHaveLength(51);
  });

  it('keeps the order of the log when routing takes time', async () => {
    const slow = Promise.withResolvers<Routing<string>>();
    const route = (record: LogRecord) =>
      record.offset === 0n ? slow.promise : Promise.resolve<Routing<string>>({ kind: 'work', task: 'tasks', item: `${record.offset}` });
    const { push, seen, tick } = harness({ route });
    push('acme', 'tasks');
    push('acme', 'tasks');
    push('other', 'tasks');
    await tick();
    expect(seen()).toEqual(['other/tasks: 2']);
    slow.resolve({ kind: 'work', task: 'tasks', item: '0' });
    await tick();
    expect(seen()).toEqual(['other/tasks: 2', 'acme/tasks: 0 1']);
  });

  it('gives a record without a key a lane of its own', async () => {
    const { push, runs, tick } = harness({ perLane: 1 });
    push(null, 'a');
    push(null, 'b');
    await tick();
    expect(runs).toHaveLength(2);
  });

  it('never runs a task twice at a time, loses nothing and repeats nothing, for any history', async () => {
    vi.useRealTimers();
    const event = fc.record({ lane: fc.nat(3), task: fc.nat(6), ending: fc.nat(9), wait: fc.nat(2) });
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 80 }), async (events) => {
        const runningTasks = new Set<string>();
        const running: { lane: string; rank: number }[] = [];
        const lastSeen = new Map<string, number>();
        /** Tasks that a group has left alone, until they run. */
        const alone = new Set<string>();
        const failedOnce = new Set<number>();
        const settled: number[] = [];
        // What a handler throws counts as a failure of its work, so it only notes what must not be.
        const violations: string[] = [];
        const must = (holds: boolean, what: string) => {
          if (!holds) violations.push(what);
        };
        const { promise: all, resolve } = Promise.withResolvers<void>();
        const taskOf = (offset: number) => `lane-${events[offset]!.lane}/task-${events[offset]!.task}`;

        /** A call for these items, however it is made. Resolves to how the first of them wants it to end, the first time. */
        async function run(lane: string, rank: number, isGroup: boolean, offsets: readonly number[]): Promise<number> {
          const names = new Set(offsets.map(taskOf));
          for (const name of names) {
            must(name.startsWith(`${lane}/`), 'a task runs in another lane');
            must(!runningTasks.has(name), 'a task runs twice at a time');
            runningTasks.add(name);
          }
          const mine = { lane, rank };
          running.push(mine);
          const inLane = running.filter((one) => one.lane === lane);
          must(inLane.length <= 3 && running.length <= 4, 'more runs than slots');
          must(rank !== 1 || isGroup || inLane.filter((one) => one.rank === 1).length <= 2, 'a task of rank 1 takes the last slot');
          await new Promise((go) => setImmediate(go));
          running.splice(running.indexOf(mine), 1);
          for (const name of names) runningTasks.delete(name);
          const first = Math.min(...offsets);
          if (failedOnce.has(first)) return 9;
          failedOnce.add(first);
          return events[first]!.ending;
        }
        const setbacks: readonly Outcome[] = [
          { kind: 'retry', at: Date.now() + 1, scope: 'task', failure },
          { kind: 'retry', at: Date.now() + 1, scope: 'lane', failure },
        ];
        function seeInOrder(offset: number): void {
          must(offset > (lastSeen.get(taskOf(offset)) ?? -1), 'a task is out of order');
          lastSeen.set(taskOf(offset), offset);
        }

        const scheduler = createLaneScheduler<number>({
          route(record) {
            const task = Number(String(record.value).slice(5));
            return { kind: 'work', task: String(record.value), item: Number(record.offset), rank: task < 2 ? 0 : 1, group: groupOf(task) };
          },
          async handle({ lane, items }) {
            const offsets = items.map(({ item }) => item);
            const ending = await run(lane, events[offsets[0]!]!.task < 2 ? 0 : 1, false, offsets);
            const setback = setbacks[ending];
            if (setback !== undefined) return setback;
            alone.delete(taskOf(offsets[0]!));
            if (ending === 2) return { kind: 'dead', failure };
            offsets.forEach(seeInOrder);
            return done;
          },
          groups: {
            isMany: ({ ready }) => ready > 1,
            maxRecords: 4,
            async handle({ lane, group, items }) {
              const offsets = items.map(({ item }) => item);
              for (const offset of offsets) {
                must(groupOf(events[offset]!.task) === group, 'a task runs with another group');
              }
              const ending = await run(lane, 1, true, offsets);
              // Of each task, a part of its items from the first on is done.
              const fates = new Map(
                offsets.map((offset) => [offset, ending > 7 || offset % 5 < ending % 5 ? 'done' : offset % 2 === 0 ? 'alone' : 'waits']),
              );
              const blocked = new Set<string>();
              for (const offset of offsets) {
                if (fates.get(offset) !== 'done') blocked.add(taskOf(offset));
                else if (blocked.has(taskOf(offset))) fates.set(offset, 'waits');
                if (fates.get(offset) === 'done') seeInOrder(offset);
                if (fates.get(offset) === 'alone') alone.add(taskOf(offset));
              }
              const until = ending % 2 === 0 ? null : Date.now() + 2;
              return { fateOf: ({ item }) => fates.get(item) as Fate, until, gathers: ending === 7 };
            },
            supersede(items) {
              const older = items.slice(0, -1);
              for (const { item } of older) seeInOrder(item);
              return older;
            },
          },
          async deadLetter() {},
          perLane: 3,
          total: 4,
          logger,
          observer: { passed() {}, handled() {}, retried() {}, deadLettered() {} },
        });
        for (const [index, { lane, task, wait }] of events.entries()) {
          scheduler.push(recordOf(`lane-${lane}`, `task-${task}`, index), {
            active: true,
            settle() {
              settled.push(index);
              if (settled.length === events.length) resolve();
            },
          });
          if (wait === 0) await new Promise((go) => setImmediate(go));
        }
        if (events.length > 0) await all;
        expect(violations).toEqual([]);
        expect(settled.toSorted((a, b) => a - b)).toEqual(events.map((_, index) => index));
        expect(scheduler.load()).toMatchObject({ running: 0, waiting: 0 });
        await scheduler.stop();
      }),
      { numRuns: 200 },
    );
  });
});

describe('sharing', () => {
  it('keeps the limits of one lane and of all, and gives each lane its turn', async () => {
    const { push, runs, seen, tick } = harness({ perLane: 2, total: 4 });
    for (let index = 0; index < 100; index += 1) push('greedy', `database-${index}`);
    await tick();
    expect(seen()).toEqual(['greedy/database-0: 0', 'greedy/database-1: 1']);
    for (const lane of ['a', 'b', 'c']) push(lane, 'x');
    await tick();
    expect(seen().slice(2)).toEqual(['a/x: 100', 'b/x: 101']);
    await runs[0]!.end(done);
    expect(seen().at(-1)).toBe('c/x: 102');
    await runs[1]!.end(done);
    expect(seen().at(-1)).toBe('greedy/database-2: 2');
  });

  it('keeps a lane to its share, however many slots are free', async () => {
    const { push, runs, tick } = harness({ perLane: 2, total: 100 });
    for (let index = 0; index < 10; index += 1) push('greedy', `database-${index}`);
    await tick();
    expect(runs).toHaveLength(2);
    await runs[0]!.end(done);
    expect(runs).toHaveLength(3);
  });

  it('takes turns: a tenant with 10,000 databases delays the one task of another by one turn', async () => {
    const { push, runs, seen, tick } = harness({ perLane: 1, total: 1 });
    for (let index = 0; index < 10_000; index += 1) push('greedy', `database-${index}`);
    push('quiet', 'x');
    await tick();
    expect(seen()).toEqual(['greedy/database-0: 0']);
    await runs[0]!.end(done);
    expect(seen().at(-1)).toBe('quiet/x: 10000');
    await runs[1]!.end(done);
    expect(seen().at(-1)).toBe('greedy/database-1: 1');
  });
});

describe('slots for tenants with nothing running', () => {
  it('are half of all: many tenants whose calls hang do not delay the others', async () => {
    const { push, runs, seen, tick } = harness({ perLane: 4, total: 32 });
    for (let tenant = 0; tenant < 12; tenant += 1) {
      for (let index = 0; index < 10; index += 1) push(`hangs-${tenant}`, `database-${index}`);
    }
    await tick();
    expect(runs).toHaveLength(16);
    push('quiet', 'x');
    await tick();
    expect(seen().at(-1)).toBe('quiet/x: 120');
    await runs.at(-1)!.end(done);
    expect(runs).toHaveLength(17);
    await runs[0]!.end(done);
    expect(runs).toHaveLength(18);
  });

  it('are not for a lane that wants another one', async () => {
    const { push, runs, tick } = harness({ perLane: 4, total: 4 });
    push('a', '1');
    push('b', '1');
    push('a', '2');
    push('a', '3');
    await tick();
    expect(runs.map(({ work }) => work.lane)).toEqual(['a', 'b']);
    await runs[0]!.end(done);
    expect(runs.map(({ work }) => `${work.lane}/${work.task}`)).toEqual(['a/1', 'b/1', 'a/2']);
    await runs[1]!.end(done);
    expect(runs.map(({ work }) => `${work.lane}/${work.task}`)).toEqual(['a/1', 'b/1', 'a/2', 'a/3']);
  });
});

describe('a retry', () => {
  it('holds no slot while it waits, and new items join it', async () => {
    const { push, runs, seen, settled, scheduler, tick } = harness({ perLane: 1, total: 1 });
    push('acme', 'slow');
    await tick();
    await runs[0]!.end(retry('task', 5_000));
    push('acme', 'slow');
    push('acme', 'other');
    await tick();
    expect(seen().at(-1)).toBe('acme/other: 2');
    await runs[1]!.end(done);
    expect(scheduler.load()).toMatchObject({ running: 0, waiting: 2 });
    await vi.advanceTimersByTimeAsync(4_900);
    expect(runs).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(200);
    expect(seen().at(-1)).toBe('acme/slow: 0 1');
    expect(runs.map(({ work }) => work.attempt)).toEqual([1, 1, 2]);
    await runs[2]!.end(done);
    expect(settled).toEqual([2, 0, 1]);
  });

  // Databases whose calls hang each time held all slots of their tenant: its other databases waited for minutes.
  it('of tasks that keep failing leaves half of the slots, and the first turn, to the others', async () => {
    const { push, runs, seen, tick } = harness();
    for (let task = 0; task < 6; task += 1) push('acme', `failing-${task}`);
    await tick();
    for (const run of runs.slice(0, 4)) await run.end(retry('task', 1_000));
    for (const run of runs.slice(4, 6)) await run.end(retry('task', 1_000));
    await vi.advanceTimersByTimeAsync(1_100);
    // Six want to run again, and hang: two of them may.
    expect(runs).toHaveLength(8);
    push('acme', 'live-1');
    push('acme', 'live-2');
    push('acme', 'live-3');
    await tick();
    expect(seen().slice(8)).toEqual(['acme/live-1: 6', 'acme/live-2: 7']);
    await runs[8]!.end(done);
    expect(seen().slice(10)).toEqual(['acme/live-3: 8']);
    // One that has succeeded counts like any other.
    await runs[6]!.end(done);
    await runs[7]!.end(done);
    expect(runs).toHaveLength(13);
    const [, name] = /acme\/(failing-\d)/.exec(seen()[6]!) ?? [];
    push('acme', name!);
    await runs[10]!.end(done);
    expect(seen().at(-1)).toContain(name!);
  });

  it('comes before records that joined it: one database stays in the order of the log', async () => {
    const { push, runs, seen, tick } = harness();
    push('acme', 'tasks');
    await tick();
    push('acme', 'tasks');
    await runs[0]!.end(retry('task', 1_000));
    push('acme', 'tasks');
    await vi.advanceTimersByTimeAsync(1_100);
    expect(seen().at(-1)).toBe('acme/tasks: 0 1 2');
  });

  it('of the lane holds every task of it, and no other lane', async () => {
    const { push, runs, seen, tick } = harness();
    push('throttled', 'a');
    push('throttled', 'b');
    await tick();
    await runs[0]!.end(retry('lane', 60_000));
    push('throttled', 'c');
    push('free', 'x');
    await tick();
    expect(seen().at(-1)).toBe('free/x: 3');
    await runs[1]!.end(done);
    push('throttled', 'd');
    await vi.advanceTimersByTimeAsync(59_000);
    expect(runs).toHaveLength(3);
    await vi.advanceTimersByTimeAsync(1_500);
    expect(seen().slice(3).toSorted()).toEqual(['throttled/a: 0', 'throttled/c: 2', 'throttled/d: 4']);
  });

  it('of the lane lasts as long as the longest one', async () => {
    const { push, runs, tick } = harness();
    push('throttled', 'a');
    push('throttled', 'b');
    await tick();
    await runs[0]!.end(retry('lane', 1_000));
    await runs[1]!.end(retry('lane', 5_000));
    await vi.advanceTimersByTimeAsync(4_000);
    expect(runs).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1_500);
    expect(runs).toHaveLength(4);
  });

  it('of a lane that has nothing else left is remembered', async () => {
    const { push, runs, scheduler, tick, active } = harness();
    push('throttled', 'a');
    await tick();
    await runs[0]!.end(retry('lane', 60_000));
    active.all = false;
    scheduler.dropInactive();
    active.all = true;
    push('throttled', 'b');
    await vi.advanceTimersByTimeAsync(59_000);
    expect(runs).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(runs).toHaveLength(2);
    await runs[1]!.end(done);
    expect(scheduler.load()).toMatchObject({ lanes: 0, waiting: 0 });
  });

  it('of a routing makes only that record wait', async () => {
    let registryIsDown = true;
    const route = (record: LogRecord): Routing<string> =>
      record.offset === 0n && registryIsDown
        ? { kind: 'retry', failure }
        : { kind: 'work', task: String(record.value), item: `${record.offset}` };
    const { push, runs, seen, settled, tick } = harness({ route });
    push('acme', 'tasks');
    push('acme', 'tasks');
    await tick();
    expect(seen()).toEqual(['acme/tasks: 1']);
    await runs[0]!.end(done);
    registryIsDown = false;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(settled).toEqual([1]);
    expect(seen()).toEqual(['acme/tasks: 1', 'acme/tasks: 0']);
  });
});

describe('a group', () => {
  it('is handed over when more of its tasks are ready than its limit, in one slot', async () => {
    const { push, runs, groupRuns, seenGroups, settled, scheduler, tick } = harness({ route: grouped });
    for (const task of ['a1', 'a2', 'a1', 'a3']) push('acme', task);
    await tick();
    expect(seenGroups()).toEqual(['acme/a: 0 2 1 3']);
    expect([runs.length, scheduler.load()]).toEqual([0, { running: 1, waiting: 0, runnable: 0, lanes: 1, oldestRunSince: Date.now() }]);
    await groupRuns[0]!.end(sorted());
    expect(settled).toEqual([0, 2, 1, 3]);
    expect(scheduler.load()).toMatchObject({ running: 0, lanes: 0 });
  });

  it('keeps each of its tasks in order: what joins meanwhile runs afterwards', async () => {
    const { push, groupRuns, seen, tick } = harness({ route: grouped });
    for (const task of ['a1', 'a2', 'a3']) push('acme', task);
    await tick();
    for (const task of ['a1', 'a1', 'a4']) push('acme', task);
    await tick();
    expect(seen()).toEqual(['acme/a4: 5']);
    await groupRuns[0]!.end(sorted());
    expect(seen()).toEqual(['acme/a4: 5', 'acme/a1: 3 4']);
  });

  it('settles some items, and runs tasks that are to be alone by themselves, however many they are', async () => {
    const { push, runs, groupRuns, seen, seenGroups, settled, tick } = harness({ route: grouped });
    for (const task of ['a1', 'a2', 'a3', 'a4', 'a1', 'a5']) push('acme', task);
    await tick();
    await groupRuns[0]!.end(sorted({ 1: 'alone', 2: 'alone', 3: 'alone', 4: 'alone' }));
    expect([settled, seenGroups().length]).toEqual([[0, 5], 1]);
    // Rows leave one slot free.
    expect(seen()).toEqual(['acme/a1: 4', 'acme/a2: 1', 'acme/a3: 2']);
    await runs[0]!.end(done);
    expect(seen().at(-1)).toBe('acme/a4: 3');
  });

  it('hands over a task that was left alone again only after it has been answered', async () => {
    const { push, runs, groupRuns, seen, seenGroups, tick } = harness({ route: grouped, perLane: 2 });
    for (const task of ['a1', 'a2', 'a3']) push('acme', task);
    await tick();
    await groupRuns[0]!.end(sorted({ 0: 'alone' }));
    for (const task of ['a1', 'a2', 'a3', 'a4']) push('acme', task);
    await tick();
    await runs[0]!.end(retry('lane', 1_000));
    await vi.advanceTimersByTimeAsync(1_100);
    expect([seen(), seenGroups()]).toEqual([['acme/a1: 0'], ['acme/a: 0 1 2', 'acme/a: 4 5 6']]);
    await groupRuns[1]!.end(sorted());
    expect(seen().at(-1)).toBe('acme/a1: 0 3');
    await runs[1]!.end(done);
    for (const task of ['a1', 'a2', 'a3']) push('acme', task);
    await tick();
    expect(seenGroups().at(-1)).toBe('acme/a: 7 8 9');
  });

  it('waits without a slot, lets later tasks run, and is handed over again with what is left', async () => {
    const { push, runs, groupRuns, seen, seenGroups, settled, scheduler, tick } = harness({ route: grouped });
    for (const task of ['a1', 'a2', 'a3', 'a4']) push('acme', task);
    await tick();
    await groupRuns[0]!.end(sorted({ 1: 'waits', 2: 'waits', 3: 'waits' }, Date.now() + 5_000));
    expect([settled, scheduler.load().running]).toEqual([[0], 0]);
    push('acme', 'a5');
    push('acme', 'a2');
    await vi.advanceTimersByTimeAsync(4_900);
    expect(seen()).toEqual(['acme/a5: 4']);
    await runs[0]!.end(done);
    await vi.advanceTimersByTimeAsync(200);
    expect(seenGroups().at(-1)).toBe('acme/a: 1 5 2 3');
    await groupRuns[1]!.end(sorted());
    expect(scheduler.load()).toMatchObject({ running: 0, waiting: 0, lanes: 0 });
  });

  it('runs task by task again when few are left after the wait', async () => {
    const { push, groupRuns, seen, seenGroups, tick } = harness({ route: grouped });
    for (const task of ['a1', 'a2', 'a3']) push('acme', task);
    await tick();
    await groupRuns[0]!.end(sorted({ 0: 'waits', 1: 'waits' }, Date.now() + 1_000));
    await vi.advanceTimersByTimeAsync(1_100);
    expect([seen(), seenGroups().length]).toEqual([['acme/a1: 0', 'acme/a2: 1'], 1]);
  });

  it('that gathers keeps later tasks waiting too, even if nothing waited before', async () => {
    const { push, groupRuns, seen, seenGroups, scheduler, tick } = harness({ route: grouped });
    for (const task of ['a1', 'a2', 'a3']) push('acme', task);
    await tick();
    push('acme', 'a1');
    await groupRuns[0]!.end(sorted({}, Date.now() + 1_000, true));
    for (const task of ['a4', 'a5', 'b1']) push('acme', task);
    await vi.advanceTimersByTimeAsync(900);
    expect([seen(), seenGroups().length]).toEqual([['acme/b1: 6'], 1]);
    await vi.advanceTimersByTimeAsync(200);
    expect(seenGroups().at(-1)).toBe('acme/a: 3 4 5');
    await groupRuns[1]!.end(sorted({}, Date.now() + 1_000, true));
    await vi.advanceTimersByTimeAsync(1_100);
    expect(scheduler.load().lanes).toBe(1);
  });

  it('with its limit of records is handed over although its lane is held', async () => {
    const { push, runs, groupRuns, seenGroups, settled, tick } = harness({ route: grouped });
    push('acme', 'first');
    await tick();
    await runs[0]!.end(retry('lane', 60_000));
    for (const task of ['a1', 'a1', 'a1', 'a2', 'a2']) push('acme', task);
    await tick();
    expect(groupRuns).toEqual([]);
    push('acme', 'a2');
    await tick();
    expect(seenGroups()).toEqual(['acme/a: 1 2 3 4 5 6']);
    await groupRuns[0]!.end(sorted());
    expect([settled, runs.length]).toEqual([[1, 2, 3, 4, 5, 6], 1]);
  });

  it('is handed over while tasks that do not end have all slots of its lane, if it is full', async () => {
    const { push, runs, seenGroups, tick } = harness({ route: grouped, perLane: 2 });
    for (const task of ['first', 'second', 'third']) push('acme', task);
    await tick();
    for (const task of ['a1', 'a1', 'a1', 'a2', 'a2', 'b1', 'b1', 'b1', 'b2', 'b2', 'b2']) push('acme', task);
    await tick();
    expect([runs.length, seenGroups()]).toEqual([2, ['acme/b: 8 9 10 11 12 13']]);
    push('acme', 'a2');
    await tick();
    expect([runs.length, seenGroups().length]).toEqual([2, 1]);
    await runs[0]!.end(done);
    expect(seenGroups().length + runs.length).toBe(4);
  });

  // Each within its limit, the rows of many data sources filled the partition and paused it for the other tenants.
  it('is handed over if it is among the largest of a lane whose groups hold too many records in all, even if that is held', async () => {
    const { push, runs, groupRuns, seenGroups, settled, scheduler, tick } = harness({ route: grouped });
    push('acme', 'first');
    await tick();
    await runs[0]!.end(retry('lane', 60_000));
    for (let round = 1; round <= 5; round += 1)
      for (const group of ['a', 'b', 'c', 'd']) if (group !== 'd' || round < 3) push('acme', `${group}${round}`);
    await tick();
    expect([scheduler.load().waiting, groupRuns.length]).toEqual([18, 0]);
    for (const task of ['d3', 'e1', 'e2']) push('acme', task);
    await tick();
    expect(seenGroups()).toEqual(['acme/a: 1 5 9 12 15', 'acme/b: 2 6 10 13 16']);
    expect(groupRuns.map(({ work }) => work.isSurplus)).toEqual([true, true]);
    for (const run of groupRuns) await run.end(sorted());
    expect(settled).toHaveLength(10);
    push('acme', 'a1');
    await tick();
    expect(groupRuns).toHaveLength(2);
  });

  it('whose handler throws runs task by task, since each of them has failed', async () => {
    const { push, groupRuns, seen, buried, tick } = harness({ route: grouped });
    for (const task of ['a1', 'a2', 'a3']) push('acme', task);
    await tick();
    await groupRuns[0]!.fail(new TypeError('a bug'));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(seen().toSorted()).toMatchObject([/^acme\/a\d: \d$/, /^acme\/a\d: \d$/].map((name) => expect.stringMatching(name)));
    expect([groupRuns.length, buried]).toEqual([1, []]);
  });

  it('does not come back when its assignment is over', async () => {
    const { push, groupRuns, scheduler, settled, active, tick } = harness({ route: grouped });
    for (const task of ['a1', 'a2', 'a3', 'a4', 'b1', 'b2', 'b3']) push('acme', task);
    await tick();
    await groupRuns[1]!.end(sorted({ 4: 'waits', 5: 'waits' }, Date.now() + 1_000));
    active.all = false;
    scheduler.dropInactive();
    await groupRuns[0]!.end(sorted({ 1: 'alone', 2: 'waits', 3: 'waits' }, Date.now() + 1_000));
    active.all = true;
    push('acme', 'a2');
    await vi.advanceTimersByTimeAsync(2_000);
    expect([settled, groupRuns.length]).toEqual([[6, 0], 2]);
    expect(scheduler.load()).toMatchObject({ running: 1, waiting: 0 });
  });

  it('that is stopped settles what is done, and hands over nothing more', async () => {
    const { push, runs, groupRuns, scheduler, settled, tick } = harness({ route: grouped });
    for (const task of ['a1', 'a2', 'a3']) push('acme', task);
    await tick();
    const stopped = scheduler.stop();
    await groupRuns[0]!.end(sorted({ 1: 'waits', 2: 'alone' }, Date.now() + 1_000));
    await stopped;
    await vi.advanceTimersByTimeAsync(60_000);
    expect([settled, runs.length, groupRuns.length]).toEqual([[0], 0, 1]);
  });
});

describe('tasks that do not count for a group', () => {
  it('keep the newest of their records when as many wait as a group may have, and their attempts', async () => {
    const { push, runs, seen, settled, scheduler, tick } = harness({ route: grouped, supersede: (items) => items.slice(0, -1) });
    push('acme', 'a1');
    await tick();
    await runs[0]!.end(retry('task', 1_000));
    push('acme', 'a2');
    await tick();
    for (let more = 0; more < 4; more += 1) push('acme', more % 2 === 0 ? 'a1' : 'a2');
    await tick();
    expect([settled, scheduler.load().waiting]).toEqual([[], 5]);
    for (let more = 0; more < 100; more += 1) push('acme', more % 2 === 0 ? 'a1' : 'a2');
    await tick();
    expect(scheduler.load().waiting).toBeLessThan(9);
    await vi.advanceTimersByTimeAsync(1_100);
    expect(seen().at(-1)).toMatch(/^acme\/a1: .*104$/);
    expect(runs.at(-1)?.work.attempt).toBe(2);
    await runs[1]!.end(done);
    for (const run of runs.slice(2)) await run.end(done);
    for (const run of runs.slice(3)) await run.end(done);
    expect(settled.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 106 }, (_, offset) => offset));
  });

  it('are handed over with their group if too many of them are left', async () => {
    const { push, runs, seenGroups, groupRuns, settled, tick } = harness({ route: grouped, perLane: 8 });
    for (const name of ['a1', 'a2', 'a3', 'a4', 'a5', 'a6']) {
      push('acme', name);
      await tick();
    }
    for (const run of runs.slice(0, 3)) await run.end(retry('task', 60_000));
    for (const run of runs.slice(3)) await run.end(retry('task', 60_000));
    expect(seenGroups()).toEqual([]);
    for (const name of ['a7', 'a8', 'a9']) push('acme', name);
    await tick();
    expect(seenGroups().at(-1)).toBe('acme/a: 6 7 8 0 1 2 3 4 5');
    await groupRuns.at(-1)?.end(sorted());
    expect(settled).toEqual(expect.arrayContaining([0, 1, 2, 3, 4, 5]));
  });
});

describe('a dead letter', () => {
  it('is durable before its offset may be committed, and until then its task waits', async () => {
    const written = Promise.withResolvers<void>();
    const contexts: unknown[] = [];
    const { push, runs, settled, seen, tick } = harness({
      async deadLetter(record, why, context) {
        contexts.push([record.offset, why, context]);
        await written.promise;
      },
    });
    push('acme', 'tasks');
    await tick();
    const firstFailedAt = new Date();
    await runs[0]!.end(retry('task', 1_000));
    await vi.advanceTimersByTimeAsync(1_001);
    await runs[1]!.end({ kind: 'dead', failure });
    push('acme', 'tasks');
    await tick();
    expect(contexts).toEqual([[0n, failure, { attempts: 2, firstFailedAt }]]);
    expect(settled).toEqual([]);
    expect(runs).toHaveLength(2);
    written.resolve();
    await tick();
    expect(settled).toEqual([0]);
    expect(seen().at(-1)).toBe('acme/tasks: 1');
  });

  it('that cannot be written is retried for as long as it takes, and holds no slot', async () => {
    let tries = 0;
    const { push, runs, settled, tick } = harness({
      perLane: 1,
      total: 1,
      async deadLetter() {
        tries += 1;
        if (tries < 6) throw new Error('the log is unavailable');
      },
    });
    push('acme', 'bad');
    push('acme', 'good');
    await tick();
    await runs[0]!.end({ kind: 'dead', failure });
    expect(runs).toHaveLength(2);
    await runs[1]!.end(done);
    expect(settled).toEqual([1]);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(tries).toBe(6);
    expect(settled).toEqual([1, 0]);
  });

  it('may come from routing', async () => {
    const { push, buried, settled, runs, tick } = harness({ route: () => ({ kind: 'dead', failure }) });
    push('acme', 'poison');
    await tick();
    expect({ buried, settled, runs }).toEqual({ buried: [0], settled: [0], runs: [] });
  });

  it('is the end for a record whose handler keeps throwing', async () => {
    const { push, runs, buried, tick } = harness();
    push('acme', 'tasks');
    await tick();
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await runs[attempt]!.fail(new TypeError('a bug'));
      await vi.advanceTimersByTimeAsync(60_000);
    }
    expect(runs).toHaveLength(3);
    expect(buried).toEqual([0]);
  });

  it('is the end for a record whose route keeps throwing', async () => {
    let calls = 0;
    const { push, buried } = harness({
      route() {
        calls += 1;
        throw new TypeError('a bug');
      },
    });
    push('acme', 'tasks');
    await vi.advanceTimersByTimeAsync(60_000);
    expect({ calls, buried }).toEqual({ calls: 3, buried: [0] });
  });
});

describe('an assignment that is over', () => {
  it('forgets all waiting records, lets running ones end, and still keeps a task in order', async () => {
    const blocked = Promise.withResolvers<void>();
    const { push, runs, active, scheduler, seen, settled, tick } = harness({
      perLane: 3,
      route: (record) =>
        String(record.value) === 'unroutable'
          ? { kind: 'retry', failure }
          : { kind: 'work', task: String(record.value), item: `${record.offset}` },
      deadLetter: () => blocked.promise,
    });
    push('acme', 'held');
    push('acme', 'dying');
    push('acme', 'running');
    await tick();
    push('acme', 'running');
    await runs[0]!.end(retry('task', 1_000));
    await runs[1]!.end({ kind: 'dead', failure });
    push('acme', 'unroutable');
    await tick();
    expect(scheduler.load()).toMatchObject({ running: 1, waiting: 4 });

    active.all = false;
    scheduler.dropInactive();
    expect(scheduler.load()).toMatchObject({ running: 1, waiting: 0 });
    active.all = true;
    push('acme', 'running');
    await vi.advanceTimersByTimeAsync(5_000);
    expect(runs).toHaveLength(3);
    await runs[2]!.end(done);
    expect(settled).toEqual([2]);
    expect(seen().at(-1)).toBe('acme/running: 5');
    blocked.resolve();
    await tick();
    expect(settled).toEqual([2]);
  });

  it('leaves no timer of a held task that would release the next task of that name', async () => {
    const { push, runs, active, scheduler, tick } = harness();
    push('acme', 'a');
    await tick();
    await runs[0]!.end(retry('task', 1_000));
    active.all = false;
    scheduler.dropInactive();
    active.all = true;
    push('acme', 'a');
    await vi.advanceTimersByTimeAsync(1_500);
    expect(runs).toHaveLength(2);
    push('acme', 'a');
    await tick();
    expect(runs).toHaveLength(2);
  });

  // The dead letter of an unroutable record, still being written, made the scheduler forget the next lane of that tenant, and then there were two.
  it('regression: does not end the next lane of the same tenant when its last dead letter has been written', async () => {
    const written = Promise.withResolvers<void>();
    const { push, runs, active, scheduler, tick } = harness({
      route: (record) =>
        String(record.value) === 'poison'
          ? { kind: 'dead', failure }
          : { kind: 'work', task: String(record.value), item: `${record.offset}` },
      deadLetter: () => written.promise,
    });
    push('acme', 'poison');
    active.all = false;
    scheduler.dropInactive();
    active.all = true;
    push('acme', 'a');
    await tick();
    expect(runs).toHaveLength(1);
    written.resolve();
    await tick();
    push('acme', 'a');
    await tick();
    expect(runs).toHaveLength(1);
  });

  it('does not retry work that fails after its assignment is over', async () => {
    const { push, runs, active, scheduler, settled, buried, tick } = harness();
    push('acme', 'a');
    push('acme', 'b');
    push('acme', 'c');
    await tick();
    active.all = false;
    scheduler.dropInactive();
    await runs[0]!.end(retry('task', 1));
    await runs[1]!.end({ kind: 'dead', failure });
    await runs[2]!.fail(new Error('a bug'));
    await vi.advanceTimersByTimeAsync(60_000);
    expect({ runs: runs.length, settled, buried }).toEqual({ runs: 3, settled: [], buried: [] });
    expect(scheduler.load()).toEqual({ running: 0, waiting: 0, runnable: 0, lanes: 0, oldestRunSince: null });
  });
});

describe('stopping', () => {
  it('starts nothing more, waits for running work, and settles it', async () => {
    const { push, runs, scheduler, settled, tick } = harness({ perLane: 1 });
    push('acme', 'a');
    push('acme', 'b');
    await tick();
    let stopped = false;
    void scheduler.stop().finally(() => {
      stopped = true;
    });
    push('acme', 'c');
    await tick();
    expect({ stopped, runs: runs.length }).toEqual({ stopped: false, runs: 1 });
    expect(runs[0]!.work.signal.aborted).toBe(false);
    scheduler.abort();
    expect(runs[0]!.work.signal.aborted).toBe(true);
    await runs[0]!.end(done);
    expect({ stopped, runs: runs.length, settled }).toEqual({ stopped: true, runs: 1, settled: [0] });
  });

  it('neither retries nor dead-letters work that fails meanwhile', async () => {
    const { push, runs, scheduler, settled, buried, tick } = harness();
    for (const task of ['a', 'b', 'c']) push('acme', task);
    await tick();
    const stopped = scheduler.stop();
    await runs[0]!.end(retry('task', 0));
    await runs[1]!.end({ kind: 'dead', failure });
    await runs[2]!.fail(new Error('aborted'));
    await stopped;
    await vi.advanceTimersByTimeAsync(60_000);
    expect({ runs: runs.length, settled, buried }).toEqual({ runs: 3, settled: [], buried: [] });
  });

  it('waits for a dead letter that is being written', async () => {
    const written = Promise.withResolvers<void>();
    const { push, runs, scheduler, settled, tick } = harness({ deadLetter: () => written.promise });
    push('acme', 'a');
    await tick();
    await runs[0]!.end({ kind: 'dead', failure });
    const order: string[] = [];
    const stopped = scheduler.stop().finally(() => order.push('stopped'));
    await tick();
    order.push('written');
    written.resolve();
    await stopped;
    expect(order).toEqual(['written', 'stopped']);
    expect(settled).toEqual([0]);
  });
});
