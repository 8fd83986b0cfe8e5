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
  startRun,
  takeBack,
  waitingIn,
  type Entry,
  type Lane,
  type Run,
} from './lane.ts';

const failure: Failure = { class: 'dependency', code: 'because', message: 'the test says so' };
const slots = 4;
const now = 1_000;

function entry(offset: number, active = true): Entry<string> {
  const record = { topic: 'events', partition: 0, offset: BigInt(offset), timestamp: offset, key: null, value: null, headers: {} };
  return { record, takenAt: 0, claim: { active, settle() {} }, item: undefined, attempts: 0, firstFailedAt: null };
}

function laneWith(...names: string[]): Lane<string> {
  const lane = createLane<string>('acme');
  for (const [offset, name] of names.entries()) joinTask(lane, name, entry(offset));
  return lane;
}

function start(lane: Lane<string>): Run<string> {
  const run = startRun(lane, slots, now);
  if (run === null) throw new Error('nothing may start');
  return run;
}

/** Runs a task until it fails by itself and is ready again. */
function fail(lane: Lane<string>): void {
  const run = start(lane);
  endRun(lane, run);
  takeBack(run.task, run.entries);
  holdTask(run.task);
  releaseTask(lane, run.task);
}

const offsetsOf = ({ entries }: Run<string>) => entries.map(({ record }) => Number(record.offset));
const startAll = (lane: Lane<string>) => {
  const names: string[] = [];
  for (let run = startRun(lane, slots, now); run !== null; run = startRun(lane, slots, now)) names.push(run.task.name);
  return names;
};

describe('a task', () => {
  test('becomes ready with its first record only', () => {
    const lane = createLane<string>('acme');
    expect([joinTask(lane, 'a', entry(0)), joinTask(lane, 'a', entry(1)), joinTask(lane, 'b', entry(2))]).toEqual([true, false, true]);
  });

  test('runs with all that waited, and does not run again before it is released', () => {
    const lane = laneWith('a', 'a');
    const run = start(lane);
    expect(offsetsOf(run)).toEqual([0, 1]);
    joinTask(lane, 'a', entry(2));
    endRun(lane, run);
    expect(mayStart(lane, slots, now)).toBe(false);
    expect(releaseTask(lane, run.task)).toBe(true);
    expect(offsetsOf(start(lane))).toEqual([2]);
  });

  test('keeps its turn among those that have not failed when it waits without having failed', () => {
    const lane = laneWith('a', 'failing');
    const run = start(lane);
    fail(lane);
    endRun(lane, run);
    takeBack(run.task, run.entries);
    holdTask(run.task, false);
    releaseTask(lane, run.task);
    expect(startAll(lane)).toEqual(['a', 'failing']);
  });

  test('is forgotten when it is released with nothing waiting', () => {
    const lane = laneWith('a');
    const run = start(lane);
    endRun(lane, run);
    expect(isOver(lane)).toBe(false);
    expect(releaseTask(lane, run.task)).toBe(false);
    expect([run.task.state, isOver(lane)]).toEqual(['forgotten', true]);
  });

  test('takes its records back in front of those that joined meanwhile', () => {
    const lane = laneWith('a');
    const run = start(lane);
    joinTask(lane, 'a', entry(1));
    endRun(lane, run);
    takeBack(run.task, run.entries);
    holdTask(run.task);
    joinTask(lane, 'a', entry(2));
    expect(mayStart(lane, slots, now)).toBe(false);
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
    joinTask(lane, 'new', entry(3));
    expect(startAll(lane)).toEqual(['new', 'failing-1', 'failing-2']);
    joinTask(lane, 'newer', entry(4));
    expect(startAll(lane)).toEqual(['newer']);
  });

  test('are all for a task that has succeeded since it failed', () => {
    const lane = laneWith('failing-1', 'failing-2', 'failing-3');
    for (let task = 0; task < 3; task += 1) fail(lane);
    const recovered = start(lane);
    start(lane);
    expect(mayStart(lane, slots, now)).toBe(false);
    joinTask(lane, recovered.task.name, entry(3));
    endRun(lane, recovered);
    releaseTask(lane, recovered.task);
    expect(startAll(lane)).toEqual([recovered.task.name, 'failing-3']);
  });
});

describe('a hold of the lane', () => {
  test('keeps every task from starting until it is due', () => {
    const lane = laneWith('a');
    holdLane(lane, { until: now + 1, failure });
    expect([mayStart(lane, slots, now), mayStart(lane, slots, now + 1)]).toEqual([false, true]);
  });

  test('is replaced by a longer one only, and then ends with that one', () => {
    const lane = laneWith('a');
    const [short, long] = [
      { until: now + 10, failure },
      { until: now + 20, failure },
    ];
    expect([holdLane(lane, short), holdLane(lane, long), holdLane(lane, short)]).toEqual([true, true, false]);
    expect(endHold(lane, short)).toBe(false);
    expect(mayStart(lane, slots, now)).toBe(false);
    expect(endHold(lane, long)).toBe(true);
    expect(mayStart(lane, slots, now)).toBe(true);
  });

  test('keeps an empty lane from being forgotten: its next records must wait as well', () => {
    const lane = createLane<string>('acme');
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
  ['waits in a task', (lane) => joinTask(lane, 'a', entry(7))],
])('a record that %s is in the backlog, and its lane is not over', (_, add) => {
  const lane = createLane<string>('acme');
  expect([isOver(lane), waitingIn(lane)]).toEqual([true, 0]);
  add(lane);
  expect(isOver(lane)).toBe(false);
  expect(backlogOf(lane)).toEqual({ lane: 'acme', waiting: 1, oldestAt: 7, held: null });
});

test('a revoked assignment drops its records wherever they wait, and leaves the task that runs and the other records', () => {
  const lane = createLane<string>('acme');
  joinTask(lane, 'running', entry(0, false));
  const run = start(lane);
  joinTask(lane, 'running', entry(1, false));
  joinTask(lane, 'held', entry(2, false));
  const held = start(lane);
  endRun(lane, held);
  takeBack(held.task, held.entries);
  holdTask(held.task);
  joinTask(lane, 'ready', entry(3, false));
  joinTask(lane, 'shared', entry(4, false));
  joinTask(lane, 'shared', entry(5));
  lane.intake.push(entry(6, false));
  lane.intake.push(entry(7));
  lane.apart.add(entry(8, false));
  dropInactive(lane);
  expect(backlogOf(lane)).toMatchObject({ waiting: 2, oldestAt: 5 });
  expect([run.task.state, held.task.state]).toEqual(['busy', 'forgotten']);
  expect([...lane.tasks.keys()]).toEqual(['running', 'shared']);
  expect(startAll(lane)).toEqual(['shared']);
});
