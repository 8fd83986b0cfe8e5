import { describe, expect, test } from 'vitest';
import { createQueue, endWait, hasFull, makeReady, noteJoin, postpone, recount, takeAgain, takeFull, takeTurn } from './lane-queue.ts';
import type { Queue, Start } from './lane-queue.ts';
import type { Entry, Task } from './lane-task.ts';

const emptyQueue = (): Queue<string> => createQueue(1, 'acme', { isMany: ({ ready }) => ready > 2, maxRecords: 6 });

function entry(active = true): Entry<string> {
  const record = { topic: 'events', partition: 0, offset: 0n, timestamp: 0, key: null, value: null, headers: {} };
  return { record, takenAt: 0, claim: { active, settle() {} }, item: undefined, attempts: 0, firstFailedAt: null };
}

/** A task of the group that its name begins with: `a1`; `-1` has none. */
function taskOf(name: string, records = 1): Task<string> {
  const group = name.startsWith('-') ? null : name.slice(0, 1);
  return {
    name,
    rank: 1,
    home: group,
    group,
    state: 'busy',
    isFailing: false,
    waiting: Array.from({ length: records }, () => entry()),
    holds: 0,
    throws: 0,
  };
}

function queueWith(...names: string[]): Queue<string> {
  const queue = emptyQueue();
  for (const name of names) makeReady(queue, taskOf(name));
  return queue;
}

/** Names of the tasks, with the group if they were handed over as one. */
const shown = (start: Start<string> | null) => {
  if (start === null) return null;
  const names = start.parts.map(({ task }) => task.name).join(' ');
  return start.group === null ? names : `${start.group}: ${names}`;
};
const takeAllTurns = (queue: Queue<string>) => {
  const all: (string | null)[] = [];
  for (let start = takeTurn(queue); start !== null; start = takeTurn(queue)) all.push(shown(start));
  return all;
};

describe('turns', () => {
  test('go round the groups: one with several tasks delays the others by one turn', () => {
    expect(takeAllTurns(queueWith('a1', 'a2', 'b1', '-1', '-2'))).toEqual(['a1', 'b1', '-1', 'a2', '-2']);
  });

  test('are for all tasks of a group together when they are many', () => {
    expect(takeAllTurns(queueWith('b1', 'a1', 'a2', 'a3'))).toEqual(['b1', 'a: a1 a2 a3']);
  });

  test('ask whether they are many once each, of tasks with a group', () => {
    const asked: unknown[] = [];
    const queue = createQueue<string>(1, 'acme', { isMany: (turn) => asked.push(turn) > 1, maxRecords: 6 });
    for (const name of ['a1', '-1', 'a2']) makeReady(queue, taskOf(name));
    expect(takeAllTurns(queue)).toEqual(['a1', '-1', 'a: a2']);
    expect(asked).toEqual([2, 1].map((ready) => ({ lane: 'acme', group: 'a', ready })));
  });

  test('name how many tasks are to run by themselves when a group is handed over', () => {
    const queue = queueWith('a1', 'a2', 'a3', '-1', '-2');
    makeReady(queue, { ...taskOf('-3'), isFailing: true });
    expect([takeTurn(queue), takeTurn(queue)]).toMatchObject([{ group: 'a', alone: 2 }, { group: null }]);
    for (const name of ['a1', 'a2', 'a3']) makeReady(queue, taskOf(name));
    makeReady(queue, taskOf('b1', 6));
    expect(takeFull(queue)).toMatchObject({ group: 'b', alone: 1 });
  });

  test('are for one task after the other when they have no group, however many they are', () => {
    expect(takeAllTurns(queueWith('-1', '-2', '-3', '-4'))).toEqual(['-1', '-2', '-3', '-4']);
  });

  test('never hand over a task that has failed with its group', () => {
    const queue = queueWith('a1', 'a2');
    makeReady(queue, { ...taskOf('a3'), isFailing: true });
    expect([...takeAllTurns(queue), shown(takeAgain(queue))]).toEqual(['a1', 'a2', 'a3']);
  });

  test('leave nothing of a group behind', () => {
    const queue = queueWith('a1', 'b1', 'b2', 'b3', 'c1');
    takeAllTurns(queue);
    expect([queue.groups.size, queue.full.length]).toEqual([0, 0]);
  });
});

describe('a group with its limit of records', () => {
  test('starts without a turn, and then has none', () => {
    const queue = queueWith('b1');
    makeReady(queue, taskOf('a1', 3));
    makeReady(queue, taskOf('a2', 3));
    expect([hasFull(queue), shown(takeFull(queue)), shown(takeFull(queue))]).toEqual([true, 'a: a1 a2', null]);
    expect(takeAllTurns(queue)).toEqual(['b1']);
  });

  test('is noticed when a record joins a ready or postponed task, and not when the task runs or has failed', () => {
    const queue = emptyQueue();
    const [ready, postponed, failing, running] = [taskOf('a1', 2), taskOf('a2', 2), { ...taskOf('a3'), isFailing: true }, taskOf('a4')];
    for (const task of [ready, failing]) makeReady(queue, task);
    postpone(queue, 'a', [postponed], { until: 10, gathers: false });
    expect([failing, running, ready, postponed].map((task) => noteJoin(queue, task))).toEqual([false, false, false, true]);
    expect(shown(takeFull(queue))).toBe('a: a2 a1');
  });

  test('does not count those that have started, nor those that were dropped', () => {
    const queue = emptyQueue();
    makeReady(queue, taskOf('a1', 3));
    const dropped = taskOf('a2', 5);
    makeReady(queue, dropped);
    dropped.waiting.length = 2;
    recount(queue);
    expect([hasFull(queue), shown(takeTurn(queue))]).toEqual([false, 'a1']);
    makeReady(queue, taskOf('a3', 3));
    expect(hasFull(queue)).toBe(false);
    makeReady(queue, taskOf('a4'));
    expect(hasFull(queue)).toBe(true);
  });
});

describe('postponed tasks', () => {
  const wait = { until: 10, gathers: false };

  test('are ready again when the wait ends, before those that became ready meanwhile', () => {
    const queue = emptyQueue();
    const begun = postpone(queue, 'a', [taskOf('a1'), taskOf('a2')], wait);
    makeReady(queue, taskOf('a3'));
    expect([begun, endWait(queue, 'a', begun!)]).toEqual([wait, true]);
    expect(takeAllTurns(queue)).toEqual(['a: a1 a2 a3']);
  });

  test('do not delay the tasks that become ready meanwhile', () => {
    const queue = emptyQueue();
    postpone(queue, 'a', [taskOf('a1'), taskOf('a2'), taskOf('a3')], wait);
    makeReady(queue, taskOf('a4'));
    expect(takeAllTurns(queue)).toEqual(['a4']);
  });

  test('are handed over with those, if they become too many; then their wait is over', () => {
    const queue = emptyQueue();
    const begun = postpone(queue, 'a', [taskOf('a1')], wait);
    for (const name of ['a2', 'a3', 'a4']) makeReady(queue, taskOf(name));
    expect(takeAllTurns(queue)).toEqual(['a: a1 a2 a3 a4']);
    makeReady(queue, taskOf('a5'));
    expect([endWait(queue, 'a', begun!), takeAllTurns(queue)]).toEqual([false, ['a5']]);
  });

  test('of a group that gathers make the others wait, however many they are', () => {
    const queue = queueWith('a0');
    const begun = postpone(queue, 'a', [taskOf('a1')], { until: 10, gathers: true });
    for (const name of ['a2', 'a3', 'b1']) makeReady(queue, taskOf(name, 3));
    expect([takeAllTurns(queue), hasFull(queue)]).toEqual([['b1'], false]);
    endWait(queue, 'a', begun!);
    expect(hasFull(queue)).toBe(true);
    expect(takeAllTurns(queue)).toEqual(['a: a1 a0 a2 a3']);
  });

  test('wait until the sooner of two times', () => {
    const queue = emptyQueue();
    const late = postpone(queue, 'a', [taskOf('a1')], wait);
    const soon = postpone(queue, 'a', [taskOf('a2')], { until: 5, gathers: false });
    expect(postpone(queue, 'a', [taskOf('a3')], wait)).toBeNull();
    expect([endWait(queue, 'a', late!), takeAllTurns(queue)]).toEqual([false, []]);
    expect([endWait(queue, 'a', soon!), takeAllTurns(queue)]).toEqual([true, ['a: a1 a2 a3']]);
  });

  test('wait with the others when the group gathers until an earlier time', () => {
    const queue = emptyQueue();
    postpone(queue, 'a', [taskOf('a1')], wait);
    const gathering = postpone(queue, 'a', [], { until: 5, gathers: true });
    makeReady(queue, taskOf('a2'));
    expect(takeAllTurns(queue)).toEqual([]);
    endWait(queue, 'a', gathering!);
    expect(takeAllTurns(queue)).toEqual(['a1', 'a2']);
  });
});

test('tasks whose records were dropped are forgotten wherever they wait, and no longer count', () => {
  const queue = queueWith('a1', 'b1', '-1');
  const failed = { ...taskOf('a2'), isFailing: true };
  makeReady(queue, failed);
  const [gone, stays] = [taskOf('a3', 3), taskOf('a4', 3)];
  const begun = postpone(queue, 'a', [gone, stays], { until: 10, gathers: false });
  for (const task of [failed, gone]) Object.assign(task, { state: 'forgotten', waiting: [] });
  for (const name of ['a', 'b']) queue.groups.get(name)!.ready.peekFront()!.state = 'forgotten';
  recount(queue);
  expect([takeAgain(queue), takeAllTurns(queue), [...queue.groups.keys()]]).toEqual([null, ['-1'], ['a']]);
  makeReady(queue, taskOf('a5', 2));
  expect(hasFull(queue)).toBe(false);
  endWait(queue, 'a', begun!);
  expect(takeAllTurns(queue)).toEqual(['a4', 'a5']);
});
