import type { Failure } from '@notion-mirror/domain/failure';
import Denque from 'denque';
import {
  createQueue,
  hasFull,
  keepOnly,
  makeReady,
  noteJoin,
  recount,
  takeAgain,
  takeFull,
  takeTurn,
  waitsWithGroup,
  type Queue,
  type Start,
} from './lane-queue.ts';
import { isActive, type Entry, type Task } from './lane-task.ts';
import type { GroupRules, Rank } from './work.ts';

export interface LaneRules extends GroupRules {
  /** Tasks, or groups of tasks, that may run at a time. */
  readonly slots: number;
}

export interface Hold {
  /** Epoch ms. */
  readonly until: number;
  readonly failure: Failure;
}

/** One tenant's records in memory. The functions below are its transitions; they neither wait nor call anything. */
export interface Lane<T> {
  readonly name: string;
  readonly rules: LaneRules;
  /** Records that have not been routed, in the order of the log. */
  readonly intake: Denque<Entry<T>>;
  /** The record that is being routed. */
  routing: Entry<T> | null;
  readonly tasks: Map<string, Task<T>>;
  /** Of the ranks that it has had tasks of (most lanes live for one task only), in their order. */
  queues: readonly Queue<T>[];
  /** Records that are to be routed again, or whose dead letter is being written. */
  readonly apart: Set<Entry<T>>;
  running: number;
  /** Of those, tasks that have failed before. */
  runningAgain: number;
  /** Nothing of the lane starts until then, except full groups. */
  hold: Hold | null;
  /** Records that have joined their tasks since the surplus was last counted. */
  joined: number;
}

/** One call of a handler. */
export type Run<T> = Start<T> & {
  readonly queue: Queue<T>;
  /** Epoch ms. */
  readonly since: number;
  /** The task had failed before. */
  readonly isAgain: boolean;
};

/** The waiting records of one lane. */
export interface LaneBacklog {
  readonly lane: string;
  readonly waiting: number;
  /** When the oldest of them was appended, epoch ms. */
  readonly oldestAt: number;
  /** Until when nothing of the lane runs, and why. */
  readonly held: Hold | null;
}

export function createLane<T>(name: string, rules: LaneRules): Lane<T> {
  return {
    name,
    rules,
    intake: new Denque(),
    routing: null,
    tasks: new Map(),
    queues: [],
    apart: new Set(),
    running: 0,
    runningAgain: 0,
    hold: null,
    joined: 0,
  };
}

/** Adds a routed record to its task. True if more may start because of that. */
export function joinTask<T>(
  lane: Lane<T>,
  { task: name, rank = 0, group = null }: { readonly task: string; readonly rank?: Rank; readonly group?: string | null },
  entry: Entry<T>,
): boolean {
  lane.joined += 1;
  const task = lane.tasks.get(name);
  if (task !== undefined) {
    task.waiting.push(entry);
    return noteJoin(queueOf(lane, task.rank), task);
  }
  // Most records wait alone, and `[]` followed by a push reserves room for seventeen.
  const created: Task<T> = { name, rank, home: group, group, state: 'ready', isFailing: false, waiting: [entry], holds: 0, throws: 0 };
  lane.tasks.set(name, created);
  makeReady(queueOf(lane, rank), created);
  return true;
}

function queueOf<T>(lane: Lane<T>, rank: Rank): Queue<T> {
  const known = lane.queues.find((queue) => queue.rank === rank);
  if (known !== undefined) return known;
  const created = createQueue<T>(rank, lane.name, lane.rules);
  lane.queues = rank === 0 ? [created, ...lane.queues] : [...lane.queues, created];
  return created;
}

interface Turn<T> {
  readonly queue: Queue<T>;
  readonly take: (queue: Queue<T>) => Start<T> | null;
}

/**
 * What has the next turn. Tasks of rank 1 come last and leave one slot free, so that a task of rank 0 starts at once; they need no
 * more, since a tenant's calls are limited by its budget long before its slots. Within a rank, half of the lane's slots, and the first turn, are for
 * tasks that have not failed: databases that never succeed leave room for the others. A full group needs no turn, and if need be takes one slot more: its
 * records fill the memory, however long those that run take.
 */
function nextTurn<T>({ queues, rules: { slots }, running, runningAgain, hold }: Lane<T>, now: number): Turn<T> | null {
  if (running < slots && (hold === null || hold.until <= now)) {
    for (const queue of queues) {
      if (queue.running >= Math.max(1, slots - queue.rank)) continue;
      if (queue.turns.length > 0) return { queue, take: takeTurn };
      if (queue.again.length > 0 && runningAgain < Math.ceil(slots / 2)) return { queue, take: takeAgain };
    }
  }
  const queue = running <= slots ? queues.find(hasFull) : undefined;
  return queue === undefined ? null : { queue, take: takeFull };
}

export function mayStart<T>(lane: Lane<T>, now: number): boolean {
  return nextTurn(lane, now) !== null;
}

/** Starts what has the next turn; null when nothing may start. */
export function startRun<T>(lane: Lane<T>, now: number): Run<T> | null {
  const turn = nextTurn(lane, now);
  if (turn === null) return null;
  const { queue, take } = turn;
  const start = take(queue);
  if (start === null) return null;
  const run = { ...start, queue, since: now, isAgain: take === takeAgain };
  queue.running += 1;
  lane.running += 1;
  if (run.isAgain) lane.runningAgain += 1;
  return run;
}

/** Frees the slot. The tasks stay busy until they are released, held or postponed. */
export function endRun<T>(lane: Lane<T>, { parts, queue, isAgain }: Run<T>): void {
  queue.running -= 1;
  lane.running -= 1;
  if (isAgain) lane.runningAgain -= 1;
  for (const { task } of parts) task.isFailing = false;
}

/** The task alone waits, until it is released. Returns whether it still does. */
export function holdTask<T>(task: Task<T>, isFailing = true): () => boolean {
  task.state = 'held';
  task.isFailing = isFailing;
  task.holds += 1;
  const hold = task.holds;
  return () => task.state === 'held' && task.holds === hold;
}

/** Every task of the lane waits, until the hold is ended. False: the lane is held for at least as long already. */
export function holdLane<T>(lane: Lane<T>, hold: Hold): boolean {
  if (lane.hold !== null && hold.until <= lane.hold.until) return false;
  lane.hold = hold;
  return true;
}

/** False: a longer hold has replaced this one. */
export function endHold<T>(lane: Lane<T>, hold: Hold): boolean {
  if (lane.hold !== hold) return false;
  lane.hold = null;
  return true;
}

/** Makes a busy or held task ready again, or forgets it when nothing waits for it. True: it is ready. */
export function releaseTask<T>(lane: Lane<T>, task: Task<T>): boolean {
  if (task.waiting.length === 0) {
    forgetTask(lane, task);
    return false;
  }
  makeReady(queueOf(lane, task.rank), task);
  return true;
}

function forgetTask<T>(lane: Lane<T>, task: Task<T>): void {
  task.state = 'forgotten';
  lane.tasks.delete(task.name);
}

/** Forgets waiting records whose claim is no longer active. Running work continues. */
export function dropInactive<T>(lane: Lane<T>): void {
  keepOnly(lane.intake, isActive);
  for (const entry of lane.apart) if (!isActive(entry)) lane.apart.delete(entry);
  for (const task of lane.tasks.values()) {
    task.waiting = task.waiting.filter(isActive);
    if (task.waiting.length === 0 && task.state !== 'busy') forgetTask(lane, task);
  }
  lane.queues.forEach(recount);
}

/** Whether the lane can be forgotten. One that is held, or has a group that waits, cannot: its next records must wait as well. */
export function isOver<T>({ intake, routing, tasks, queues, apart, hold }: Lane<T>): boolean {
  const isEmpty = tasks.size === 0 && apart.size === 0 && intake.length === 0 && routing === null;
  return isEmpty && hold === null && queues.every(({ groups }) => groups.size === 0);
}

/** Records that are not being handled now. */
export function waitingIn<T>({ intake, routing, tasks, apart }: Lane<T>): number {
  let waiting = intake.length + apart.size + (routing === null ? 0 : 1);
  for (const task of tasks.values()) waiting += task.waiting.length;
  return waiting;
}

/**
 * Records that only wait for a turn, so that more processes would work them off sooner: those of ready tasks, and those that are not routed yet. Not
 * those that wait for the lane's rate budget, for a retry or their dead letter, with their group, or for the task that runs.
 */
export function runnableIn<T>({ intake, routing, tasks, queues, hold }: Lane<T>, now: number): number {
  if (hold !== null && hold.until > now) return 0;
  let runnable = intake.length + (routing === null ? 0 : 1);
  for (const task of tasks.values()) {
    const isGathering = queues.some((queue) => queue.rank === task.rank && waitsWithGroup(queue, task));
    if (task.state === 'ready' && !isGathering) runnable += task.waiting.length;
  }
  return runnable;
}

export function backlogOf<T>(lane: Lane<T>): LaneBacklog {
  const firsts = [lane.routing, lane.intake.peekFront(), ...[...lane.tasks.values()].map(({ waiting }) => waiting[0]), ...lane.apart];
  return {
    lane: lane.name,
    waiting: waitingIn(lane),
    oldestAt: firsts.reduce((oldest, entry) => Math.min(oldest, entry?.record.timestamp ?? oldest), Number.POSITIVE_INFINITY),
    held: lane.hold,
  };
}
