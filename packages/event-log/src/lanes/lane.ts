import type { Failure } from '@notion-mirror/domain/failure';
import Denque from 'denque';
import type { LogRecord } from '../log-record.ts';
import type { Claim } from './work.ts';

/** A record on its way through a lane. */
export interface Entry<T> {
  readonly record: LogRecord;
  /** Epoch ms. */
  readonly takenAt: number;
  readonly claim: Claim;
  /** Undefined until the record is routed. */
  item: T | undefined;
  attempts: number;
  firstFailedAt: number | null;
}

export interface Task<T> {
  readonly name: string;
  /** `busy`: it runs, or its dead letters are being written. `forgotten`: nothing of it waits, and its lane no longer knows it. */
  state: 'ready' | 'busy' | 'held' | 'forgotten';
  /** Its last run ended with a retry of its own. */
  isFailing: boolean;
  waiting: Entry<T>[];
  /** Runs in a row that threw. */
  throws: number;
}

export interface Hold {
  /** Epoch ms. */
  readonly until: number;
  readonly failure: Failure;
}

/** One tenant's records in memory. The functions below are its transitions; they neither wait nor call anything. */
export interface Lane<T> {
  readonly name: string;
  /** Records that have not been routed, in the order of the log. */
  readonly intake: Denque<Entry<T>>;
  /** The record that is being routed. */
  routing: Entry<T> | null;
  readonly tasks: Map<string, Task<T>>;
  /** In turn: tasks that have not failed, and after them those that have. */
  readonly ready: Denque<Task<T>>;
  readonly again: Denque<Task<T>>;
  /** Records that are to be routed again, or whose dead letter is being written. */
  readonly apart: Set<Entry<T>>;
  running: number;
  /** Of those, tasks that have failed before. */
  runningAgain: number;
  /** Nothing of the lane starts until then. */
  hold: Hold | null;
}

/** One call of the handler: a task and all of its records. */
export interface Run<T> {
  readonly task: Task<T>;
  readonly entries: readonly Entry<T>[];
  /** Epoch ms. */
  readonly since: number;
  /** The task had failed before. */
  readonly isAgain: boolean;
}

/** The waiting records of one lane. */
export interface LaneBacklog {
  readonly lane: string;
  readonly waiting: number;
  /** When the oldest of them was appended, epoch ms. */
  readonly oldestAt: number;
  /** Until when nothing of the lane runs, and why. */
  readonly held: Hold | null;
}

export function createLane<T>(name: string): Lane<T> {
  return {
    name,
    intake: new Denque(),
    routing: null,
    tasks: new Map(),
    ready: new Denque(),
    again: new Denque(),
    apart: new Set(),
    running: 0,
    runningAgain: 0,
    hold: null,
  };
}

/** Adds a routed record to its task. True if that made the task ready; otherwise it is ready, busy or held already. */
export function joinTask<T>(lane: Lane<T>, name: string, entry: Entry<T>): boolean {
  const task = lane.tasks.get(name);
  if (task !== undefined) {
    task.waiting.push(entry);
    return false;
  }
  // Most records wait alone, and `[]` followed by a push reserves room for seventeen.
  const created: Task<T> = { name, state: 'ready', isFailing: false, waiting: [entry], throws: 0 };
  lane.tasks.set(name, created);
  lane.ready.push(created);
  return true;
}

/** Half of a lane's slots, and the first turn, are for tasks that have not failed: databases that never succeed leave room for the others. */
export function mayStart<T>({ ready, again, running, runningAgain, hold }: Lane<T>, slots: number, now: number): boolean {
  if (running >= slots || (hold !== null && hold.until > now)) return false;
  return ready.length > 0 || (again.length > 0 && runningAgain < Math.ceil(slots / 2));
}

/** Starts the task whose turn it is, with all of its waiting records; null when none may start. */
export function startRun<T>(lane: Lane<T>, slots: number, now: number): Run<T> | null {
  if (!mayStart(lane, slots, now)) return null;
  const task = lane.ready.shift() ?? lane.again.shift();
  if (task === undefined) return null;
  const run = { task, entries: task.waiting, since: now, isAgain: task.isFailing };
  task.waiting = [];
  task.state = 'busy';
  lane.running += 1;
  if (run.isAgain) lane.runningAgain += 1;
  return run;
}

/** Frees the slot. The task stays busy until it is released or held. */
export function endRun<T>(lane: Lane<T>, { task, isAgain }: Run<T>): void {
  lane.running -= 1;
  if (isAgain) lane.runningAgain -= 1;
  task.isFailing = false;
}

/** Puts entries back in front of those that have joined since. */
export function takeBack<T>(task: Task<T>, entries: readonly Entry<T>[]): void {
  task.waiting = [...entries, ...task.waiting];
}

/** The task alone waits, until it is released. */
export function holdTask<T>(task: Task<T>, isFailing = true): void {
  task.state = 'held';
  task.isFailing = isFailing;
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
  task.state = 'ready';
  (task.isFailing ? lane.again : lane.ready).push(task);
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
  keepOnly(lane.ready, ({ state }) => state === 'ready');
  keepOnly(lane.again, ({ state }) => state === 'ready');
}

/** Whether the lane can be forgotten. One that is held cannot: its next records must wait as well. */
export function isOver<T>({ intake, routing, tasks, apart, hold }: Lane<T>): boolean {
  return tasks.size === 0 && apart.size === 0 && intake.length === 0 && routing === null && hold === null;
}

/** Records that are not being handled now. */
export function waitingIn<T>({ intake, routing, tasks, apart }: Lane<T>): number {
  let waiting = intake.length + apart.size + (routing === null ? 0 : 1);
  for (const task of tasks.values()) waiting += task.waiting.length;
  return waiting;
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

/** Keeps the items that pass, in their order. */
function keepOnly<I>(queue: Denque<I>, passes: (item: I) => boolean): void {
  for (let left = queue.length; left > 0; left -= 1) {
    const item = queue.shift();
    if (item !== undefined && passes(item)) queue.push(item);
  }
}

export function isActive({ claim }: { readonly claim: Claim }): boolean {
  return claim.active;
}

export function noteFailure(entry: { attempts: number; firstFailedAt: number | null }): void {
  entry.attempts += 1;
  entry.firstFailedAt ??= Date.now();
}
