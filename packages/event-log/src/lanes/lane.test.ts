import type { Failure } from '@notion-mirror/domain/failure';
import { describe, expect, test } from 'vitest';
import {
  backlogOf,
  createLane,
  dropInactive,
  endHold,
  endRun,
  holdLane,
  holdTask,
  isOver,
  joinTask,
  mayStart,
  releaseTask,
  runnableIn,
  startRun,
  waitingIn,
  type Lane,
  type LaneRules,
} from './lane.ts';
import { endWait, postpone } from './lane-queue.ts';
import { takeBack, type Entry, type Task } from './lane-task.ts';

const failure: Failure = { class: 'dependency', code: 'because', message: 'the test says so' };
const rules: LaneRules = { slots: 4, isMany: ({ ready }) => ready > 2, maxRecords: 6 };
const now = 1_000;

function entry(offset: number, active = true): Entry<string> {
  const record = { topic: 'events', partition: 0, offset: BigInt(offset), timestamp: offset, key: null, value: null, headers: {} };
  return { record, takenAt: 0, claim: { active, settle() {} }, item: undefined, attempts: 0, firstFailedAt: null };
}

function laneWith(...names: string[]): Lane<string> {
  const lane = emptyLane();
  for (const [offset, task] of names.entries()) joinTask(lane, { task }, entry(offset));
  return lane;
}

function emptyLane(): Lane<string> {
  return createLane('acme', rules);
}

/** A run of one task. */
interface Single {
  readonly task: Task<string>;
  readonly entries: readonly Entry<string>[];
  readonly end: () => void;
}

function start(lane: Lane<string>): Single {
  const run = startRun(lane, now);
  if (run?.group !== null) throw new Error('no single task may start');
  return { ...run.parts[0], end: () => endRun(lane, run) };
}

/** Runs a task until it fails by itself and waits for its retry. */
function failAndWait(lane: Lane<string>): Task<string> {
  const run = start(lane);
  run.end();
  takeBack(run.task, run.entries);
  holdTask(run.task);
  return run.task;
}

/** Runs a task until it fails by itself and is ready again. */
function fail(lane: Lane<string>): void {
  releaseTask(lane, failAndWait(lane));
}

const offsetsOf = ({ entries }: Pick<Single, 'entries'>) => entries.map(({ record }) => Number(record.offset));
const startAll = (lane: Lane<string>) => {
  const names: string[] = [];
  for (let run = startRun(lane, now); run !== null; run = startRun(lane, now)) names.push(run.parts.map(({ task }) => task.name).join('+'));
  return names;
};

describe('a task', () => {
  test('becomes ready with its first record only', () => {
    const lane = emptyLane();
    expect([
      joinTask(lane, { task: 'a' }, entry(0)),
      joinTask(lane, { task: 'a' }, entry(1)),
      joinTask(lane, { task: 'b' }, entry(2)),
    ]).toEqual([true, false, true]);
  });

  test('runs with all that waited, and does not run again before it is released', () => {
    const lane = laneWith('a', 'a');
    const run = start(lane);
    expect(offsetsOf(run)).toEqual([0, 1]);
    joinTask(lane, { task: 'a' }, entry(2));
    run.end();
    expect(mayStart(lane, now)).toBe(false);
    expect(releaseTask(lane, run.task)).toBe(true);
    expect(offsetsOf(start(lane))).toEqual([2]);
  });

  test('keeps its turn among those that have not failed when it waits without having failed', () => {
    const lane = laneWith('a', 'failing');
    const run = start(lane);
    fail(lane);
    run.end();
    takeBack(run.task, run.entries);
    holdTask(run.task, false);
    releaseTask(lane, run.task);
    expect(startAll(lane)).toEqual(['a', 'failing']);
  });

  test('is forgotten when it is released with nothing waiting', () => {
    const lane = laneWith('a');
    const run = start(lane);
    run.end();
    expect(isOver(lane)).toBe(false);
    expect(releaseTask(lane, run.task)).toBe(false);
    expect([run.task.state, isOver(lane)]).toEqual(['forgotten', true]);
  });

  test('takes its records back in front of those that joined meanwhile', () => {
    const lane = laneWith('a');
    const run = start(lane);
    joinTask(lane, { task: 'a' }, entry(1));
    run.end();
    takeBack(run.task, run.entries);
    holdTask(run.task);
    joinTask(lane, { task: 'a' }, entry(2));
    expect(mayStart(lane, now)).toBe(false);
    releaseTask(lane, run.task);
    expect(offsetsOf(start(lane))).toEqual([0, 1, 2]);
  });
});

describe('the slots of a lane', () => {
  test('are no more than its share', () => {
    expect(startAll(laneWith('a', 'b', 'c', 'd', 'e'))).toEqual(['a', 'b', 'c', 'd']);
  });

  test('go first to tasks that have not failed, and half of them at most to those that have', () => {
    const lane = laneWith('failing-1', 'failing-2', 'failing-3');
    for (let task = 0; task < 3; task += 1) fail(lane);
    joinTask(lane, { task: 'new' }, entry(3));
    expect(startAll(lane)).toEqual(['new', 'failing-1', 'failing-2']);
    joinTask(lane, { task: 'newer' }, entry(4));
    expect(startAll(lane)).toEqual(['newer']);
  });

  test('are all for a task that has succeeded since it failed', () => {
    const lane = laneWith('failing-1', 'failing-2', 'failing-3');
    for (let task = 0; task < 3; task += 1) fail(lane);
    const recovered = start(lane);
    start(lane);
    expect(mayStart(lane, now)).toBe(false);
    joinTask(lane, { task: recovered.task.name }, entry(3));
    recovered.end();
    releaseTask(lane, recovered.task);
    expect(startAll(lane)).toEqual([recovered.task.name, 'failing-3']);
  });
});

function join(lane: Lane<string>, rank: 0 | 1, ...names: string[]): void {
  for (const task of names) joinTask(lane, { task, rank }, entry(0));
}

describe('tasks of rank 1', () => {
  test('come after those of rank 0, whether these have failed or not', () => {
    const lane = laneWith('database-1');
    fail(lane);
    join(lane, 1, 'row-1', 'row-2');
    join(lane, 0, 'database-2');
    expect(startAll(lane)).toEqual(['database-2', 'database-1', 'row-1', 'row-2']);
  });

  test('leave one slot free: a task of rank 0 starts at once', () => {
    const lane = emptyLane();
    join(lane, 1, 'row-1', 'row-2', 'row-3', 'row-4');
    expect(startAll(lane)).toEqual(['row-1', 'row-2', 'row-3']);
    join(lane, 0, 'database');
    expect(startAll(lane)).toEqual(['database']);
  });

  test('use every slot but one again when a run has ended', () => {
    const lane = emptyLane();
    join(lane, 1, 'row-1', 'row-2', 'row-3', 'row-4');
    const runs = [start(lane), start(lane), start(lane)];
    expect(mayStart(lane, now)).toBe(false);
    runs[1]!.end();
    expect(startAll(lane)).toEqual(['row-4']);
  });

  test('run although the lane has one slot only', () => {
    const lane = createLane<string>('acme', { ...rules, slots: 1 });
    join(lane, 1, 'row-1', 'row-2');
    expect(startAll(lane)).toEqual(['row-1']);
  });

  test('that have failed have half of the slots together with those of rank 0', () => {
    const lane = emptyLane();
    join(lane, 0, 'failing-database');
    fail(lane);
    join(lane, 1, 'row-1', 'row-2');
    const runs = [start(lane), start(lane), start(lane)];
    for (const { task, entries, end } of runs) {
      end();
      takeBack(task, entries);
      holdTask(task);
    }
    for (const { task } of runs) releaseTask(lane, task);
    expect(startAll(lane)).toEqual(['failing-database', 'row-1']);
  });
});

describe('a group of tasks', () => {
  const group = 'rows';
  const joinGroup = (lane: Lane<string>, ...names: string[]) => names.map((task) => joinTask(lane, { task, rank: 1, group }, entry(0)));

  test('takes one slot, and its tasks are busy until they are released', () => {
    const lane = emptyLane();
    joinGroup(lane, 'row-1', 'row-2', 'row-3');
    expect(startAll(lane)).toEqual(['row-1+row-2+row-3']);
    expect([lane.running, ...[...lane.tasks.values()].map(({ state }) => state)]).toEqual([1, 'busy', 'busy', 'busy']);
    joinGroup(lane, 'row-1');
    expect(mayStart(lane, now)).toBe(false);
  });

  // A tenant whose calls must wait filled the memory with its events, and its partition was paused for all.
  test('with its limit of records starts even while the lane is held, if there is a slot', () => {
    const lane = emptyLane();
    joinGroup(lane, 'row-1', 'row-2');
    holdLane(lane, { until: now + 1, failure });
    expect(joinGroup(lane, 'row-1', 'row-1', 'row-2', 'row-2')).toEqual([false, false, false, true]);
    expect(startAll(lane)).toEqual(['row-1+row-2']);
    joinGroup(lane, 'row-3');
    expect(startAll(lane)).toEqual([]);
  });

  test('with its limit of records takes one slot more than the lane has, when its runs take long', () => {
    const lane = laneWith('a', 'b', 'c', 'd');
    const runs = [start(lane), start(lane), start(lane), start(lane)];
    for (let record = 0; record < 6; record += 1) joinGroup(lane, 'row-1');
    expect(startAll(lane)).toEqual(['row-1']);
    for (let record = 0; record < 6; record += 1) joinGroup(lane, 'row-2');
    expect(startAll(lane)).toEqual([]);
    runs[0]!.end();
    expect(startAll(lane)).toEqual(['row-2']);
  });

  test('that waits keeps its lane from being forgotten: its next records must wait as well', () => {
    const lane = emptyLane();
    joinGroup(lane, 'row-1', 'row-2', 'row-3');
    const run = startRun(lane, now)!;
    endRun(lane, run);
    const wait = postpone(run.queue, group, [], { until: now + 1, gathers: true });
    for (const { task } of run.parts) releaseTask(lane, task);
    expect(isOver(lane)).toBe(false);
    endWait(run.queue, group, wait!);
    expect(isOver(lane)).toBe(true);
  });
});

describe('a hold of the lane', () => {
  test('keeps every task from starting until it is due', () => {
    const lane = laneWith('a');
    holdLane(lane, { until: now + 1, failure });
    expect([mayStart(lane, now), mayStart(lane, now + 1)]).toEqual([false, true]);
  });

  test('is replaced by a longer one only, and then ends with that one', () => {
    const lane = laneWith('a');
    const [short, long] = [
      { until: now + 10, failure },
      { until: now + 20, failure },
    ];
    expect([holdLane(lane, short), holdLane(lane, long), holdLane(lane, short)]).toEqual([true, true, false]);
    expect(endHold(lane, short)).toBe(false);
    expect(mayStart(lane, now)).toBe(false);
    expect(endHold(lane, long)).toBe(true);
    expect(mayStart(lane, now)).toBe(true);
  });

  test('keeps an empty lane from being forgotten: its next records must wait as well', () => {
    const lane = emptyLane();
    const hold = { until: now + 1, failure };
    holdLane(lane, hold);
    expect(isOver(lane)).toBe(false);
    endHold(lane, hold);
    expect(isOver(lane)).toBe(true);
  });
});

test.each<[string, (lane: Lane<string>) => void]>([
  ['waits in the intake', (lane) => lane.intake.push(entry(7))],
  ['is being routed', (lane) => (lane.routing = entry(7))],
  ['is set apart', (lane) => lane.apart.add(entry(7))],
  ['waits in a task', (lane) => joinTask(lane, { task: 'a' }, entry(7))],
])('a record that %s is in the backlog, and its lane is not over', (_, add) => {
  const lane = emptyLane();
  expect([isOver(lane), waitingIn(lane)]).toEqual([true, 0]);
  add(lane);
  expect(isOver(lane)).toBe(false);
  expect(backlogOf(lane)).toEqual({ lane: 'acme', waiting: 1, oldestAt: 7, held: null });
});

describe('the records that more processes would help with', () => {
  test('are those of ready tasks, and those that are not routed yet', () => {
    const lane = laneWith('a', 'b', 'b');
    lane.intake.push(entry(3));
    lane.routing = entry(4);
    expect([waitingIn(lane), runnableIn(lane, now)]).toEqual([5, 5]);
  });

  test.each<[string, (lane: Lane<string>) => void]>([
    ['the task that runs', (lane) => (start(lane), joinTask(lane, { task: 'a' }, entry(1)))],
    ['a retry', failAndWait],
    ['a dead letter', (lane) => lane.apart.add(start(lane).entries[0]!)],
  ])('are not those that wait for %s', (_, act) => {
    const lane = laneWith('a');
    act(lane);
    expect([waitingIn(lane), runnableIn(lane, now)]).toEqual([1, 0]);
  });

  test('are none while the lane is held, and all of them afterwards', () => {
    const lane = laneWith('a', 'b');
    holdLane(lane, { until: now + 1, failure });
    expect(runnableIn(lane, now)).toBe(0);
    expect(runnableIn(lane, now + 1)).toBe(2);
  });

  test('are none of a group that gathers', () => {
    const lane = emptyLane();
    joinTask(lane, { task: 'a1', group: 'a' }, entry(0));
    const run = start(lane);
    run.end();
    takeBack(run.task, run.entries);
    const wait = postpone(lane.queues[0]!, 'a', [run.task], { until: now, gathers: true })!;
    joinTask(lane, { task: 'a2', group: 'a' }, entry(1));
    joinTask(lane, { task: 'b', group: 'b' }, entry(2));
    expect([waitingIn(lane), runnableIn(lane, now)]).toEqual([3, 1]);
    endWait(lane.queues[0]!, 'a', wait);
    expect(runnableIn(lane, now)).toBe(3);
  });
});

test('a revoked assignment drops its records wherever they wait, and leaves the task that runs and the other records', () => {
  const lane = emptyLane();
  joinTask(lane, { task: 'running' }, entry(0, false));
  const run = start(lane);
  joinTask(lane, { task: 'running' }, entry(1, false));
  joinTask(lane, { task: 'held' }, entry(2, false));
  const held = start(lane);
  held.end();
  takeBack(held.task, held.entries);
  holdTask(held.task);
  joinTask(lane, { task: 'ready' }, entry(3, false));
  joinTask(lane, { task: 'shared' }, entry(4, false));
  joinTask(lane, { task: 'shared' }, entry(5));
  lane.intake.push(entry(6, false));
  lane.intake.push(entry(7));
  lane.apart.add(entry(8, false));
  dropInactive(lane);
  expect(backlogOf(lane)).toMatchObject({ waiting: 2, oldestAt: 5 });
  expect([run.task.state, held.task.state]).toEqual(['busy', 'forgotten']);
  expect([...lane.tasks.keys()]).toEqual(['running', 'shared']);
  expect(startAll(lane)).toEqual(['shared']);
});
