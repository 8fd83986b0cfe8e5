import Denque from 'denque';
import type { Entry, Task } from './lane-task.ts';
import type { GroupRules, Rank } from './work.ts';

/** Tasks that may be handled together, or (name null) those that never are. Forgotten when none of them is ready or postponed, and it does not wait. */
export interface Group<T> {
  readonly name: string | null;
  /** In turn. */
  readonly ready: Denque<Task<T>>;
  /** Until the wait is over. */
  postponed: Task<T>[];
  /** Of both. */
  records: number;
  /** Its records are too many for the lane, however few they are for the group. Until it is handed over. */
  isSurplus: boolean;
  wait: GroupWait | null;
}

export interface GroupWait {
  /** Epoch ms. */
  readonly until: number;
  /** Ready tasks of the group wait, too. */
  readonly gathers: boolean;
}

/** The tasks of one rank that could start. */
export interface Queue<T> {
  readonly rank: Rank;
  readonly lane: string;
  readonly rules: GroupRules;
  readonly groups: Map<string | null, Group<T>>;
  /** Groups with ready tasks, in turn, so that one with many does not delay the others. None that gathers. */
  readonly turns: Denque<Group<T>>;
  /** Groups that have reached their limit of records; some may have fallen below it since. */
  full: Group<T>[];
  /** Ready tasks that have failed, in turn. */
  readonly again: Denque<Task<T>>;
  running: number;
}

/** What starts together: a task by itself, or all tasks of a group. Each with all of its records. */
export type Start<T> =
  | { readonly group: null; readonly parts: readonly [Part<T>] }
  /** `alone`: ready tasks of the queue that run by themselves, each at its turn. */
  | { readonly group: string; readonly parts: readonly Part<T>[]; readonly alone: number; readonly isSurplus: boolean };

export interface Part<T> {
  readonly task: Task<T>;
  readonly entries: readonly Entry<T>[];
}

export function createQueue<T>(rank: Rank, lane: string, rules: GroupRules): Queue<T> {
  return { rank, lane, rules, groups: new Map(), turns: new Denque(), full: [], again: new Denque(), running: 0 };
}

export function makeReady<T>(queue: Queue<T>, task: Task<T>): void {
  task.state = 'ready';
  if (task.isFailing) {
    queue.again.push(task);
    return;
  }
  const group = groupNamed(queue, task.group);
  group.ready.push(task);
  if (group.ready.length === 1 && group.wait?.gathers !== true) queue.turns.push(group);
  countRecords(queue, group, task.waiting.length);
}

/** Counts a record that has joined a task. True: its group is full because of it, or was already, and may start. */
export function noteJoin<T>(queue: Queue<T>, { state, isFailing, group: name }: Task<T>): boolean {
  const isCounted = state === 'postponed' || (state === 'ready' && !isFailing);
  const group = isCounted ? queue.groups.get(name) : undefined;
  if (group === undefined) return false;
  countRecords(queue, group, 1);
  return isFull(queue, group);
}

/** Postpones busy tasks of a group. Returns the wait that is to be ended when it is due; null: one that is to be ended sooner is known already. */
export function postpone<T>(queue: Queue<T>, name: string, tasks: readonly Task<T>[], wait: GroupWait): GroupWait | null {
  const group = groupNamed(queue, name);
  const known = group.wait;
  const gathers = wait.gathers || known?.gathers === true;
  for (const task of tasks) {
    task.state = 'postponed';
    group.postponed.push(task);
    group.records += task.waiting.length;
  }
  if (gathers) keepOnly(queue.turns, (one) => one !== group);
  if (known !== null && known.until <= wait.until && known.gathers === gathers) return null;
  group.wait = { until: Math.min(wait.until, known?.until ?? wait.until), gathers };
  return group.wait;
}

/** False: another wait has replaced this one, or the group has been handed over. */
export function endWait<T>(queue: Queue<T>, name: string, wait: GroupWait): boolean {
  const group = queue.groups.get(name);
  if (group?.wait !== wait) return false;
  const isInTurns = group.ready.length > 0 && !wait.gathers;
  group.wait = null;
  for (const task of group.postponed.toReversed()) {
    task.state = 'ready';
    group.ready.unshift(task);
  }
  group.postponed = [];
  if (group.ready.length > 0 && !isInTurns) queue.turns.push(group);
  countRecords(queue, group, 0);
  forgetIfEmpty(queue, group);
  return true;
}

/** A task of the group whose turn it is, or all of its tasks when they are many; null when no task is ready. */
export function takeTurn<T>(queue: Queue<T>): Start<T> | null {
  const { lane, rules } = queue;
  const group = queue.turns.shift();
  if (group === undefined) return null;
  const { name, ready } = group;
  if (name !== null && (isFull(queue, group) || rules.isMany({ lane, group: name, ready: ready.length })))
    return takeAll(queue, group, name);
  const task = ready.shift();
  if (task === undefined) return null;
  if (ready.length > 0) queue.turns.push(group);
  group.records -= task.waiting.length;
  forgetIfEmpty(queue, group);
  return { group: null, parts: [partOf(task)] };
}

export function takeAgain<T>({ again }: Queue<T>): Start<T> | null {
  const task = again.shift();
  return task === undefined ? null : { group: null, parts: [partOf(task)] };
}

/** All tasks of a full group; null when there is none. */
export function takeFull<T>(queue: Queue<T>): Start<T> | null {
  const group = firstFull(queue);
  if (group === null || group.name === null) return null;
  keepOnly(queue.turns, (one) => one !== group);
  return takeAll(queue, group, group.name);
}

export function hasFull<T>(queue: Queue<T>): boolean {
  return firstFull(queue) !== null;
}

function firstFull<T>(queue: Queue<T>): Group<T> | null {
  queue.full = queue.full.filter((group) => isFull(queue, group));
  return queue.full[0] ?? null;
}

/** Whether a ready task waits with its group. */
export function waitsWithGroup<T>({ groups }: Queue<T>, { isFailing, group }: Task<T>): boolean {
  return !isFailing && groups.get(group)?.wait?.gathers === true;
}

/** Makes tasks that have failed, or that ran by themselves only, ready with the group that they were routed to. */
export function rejoin<T>(queue: Queue<T>, tasks: ReadonlySet<Task<T>>): void {
  const stays = (task: Task<T>): boolean => !tasks.has(task);
  keepOnly(queue.again, stays);
  for (const { ready } of queue.groups.values()) keepOnly(ready, stays);
  recount(queue);
  for (const task of tasks) {
    task.group = task.home;
    task.isFailing = false;
    makeReady(queue, task);
  }
}

/** Forgets tasks that are no longer ready or postponed, after the records of some have been dropped. */
export function recount<T>(queue: Queue<T>): void {
  const isReady = ({ state }: Task<T>): boolean => state === 'ready';
  keepOnly(queue.again, isReady);
  for (const group of queue.groups.values()) {
    keepOnly(group.ready, isReady);
    group.postponed = group.postponed.filter(({ state }) => state === 'postponed');
    group.records = 0;
    for (const { waiting } of [...group.ready.toArray(), ...group.postponed]) group.records += waiting.length;
    forgetIfEmpty(queue, group);
  }
  keepOnly(queue.turns, ({ ready }) => ready.length > 0);
}

function groupNamed<T>(queue: Queue<T>, name: string | null): Group<T> {
  const known = queue.groups.get(name);
  if (known !== undefined) return known;
  const group: Group<T> = { name, ready: new Denque(), postponed: [], records: 0, isSurplus: false, wait: null };
  queue.groups.set(name, group);
  return group;
}

/** Hands a group over as if it were full. */
export function markSurplus<T>(queue: Queue<T>, group: Group<T>): void {
  group.isSurplus = true;
  countRecords(queue, group, 0);
}

function countRecords<T>(queue: Queue<T>, group: Group<T>, more: number): void {
  group.records += more;
  if (isFull(queue, group) && !queue.full.includes(group)) queue.full.push(group);
}

/** A group that gathers has been handed over a short time ago. */
function isFull<T>({ rules }: Queue<T>, { name, records, isSurplus, wait }: Group<T>): boolean {
  return name !== null && (isSurplus || records >= rules.maxRecords) && wait?.gathers !== true;
}

function takeAll<T>(queue: Queue<T>, group: Group<T>, name: string): Start<T> {
  const parts = [...group.postponed, ...group.ready.toArray()].map(partOf);
  const { isSurplus } = group;
  group.ready.clear();
  group.postponed = [];
  group.records = 0;
  group.isSurplus = false;
  group.wait = null;
  forgetIfEmpty(queue, group);
  return { group: name, parts, alone: queue.groups.get(null)?.ready.length ?? 0, isSurplus };
}

function partOf<T>(task: Task<T>): Part<T> {
  const entries = task.waiting;
  task.waiting = [];
  task.state = 'busy';
  return { task, entries };
}

function forgetIfEmpty<T>({ groups }: Queue<T>, { name, ready, postponed, wait }: Group<T>): void {
  if (ready.length === 0 && postponed.length === 0 && wait === null) groups.delete(name);
}

/** Keeps the items that pass, in their order. */
export function keepOnly<I>(queue: Denque<I>, passes: (item: I) => boolean): void {
  for (let left = queue.length; left > 0; left -= 1) {
    const item = queue.shift();
    if (item !== undefined && passes(item)) queue.push(item);
  }
}
