import { backoffMs } from '@notion-mirror/service-kit/async/backoff';
import type { Logger } from '@notion-mirror/service-kit/logger';
import Denque from 'denque';
import type { Failure } from '@notion-mirror/domain/failure';
import type { LogRecord } from '../log-record.ts';

/**
 * What to do with a record: nothing (`pass`: not for this group), work on `task` in its lane, a dead letter, or to ask again later (`retry`:
 * only this record waits, those behind it go on).
 */
export type Routing<T> =
  | { readonly kind: 'pass' }
  | { readonly kind: 'work'; readonly task: string; readonly item: T }
  | { readonly kind: 'dead'; readonly failure: Failure }
  | { readonly kind: 'retry'; readonly failure: Failure };

export interface WorkItem<T> {
  readonly record: LogRecord;
  readonly item: T;
  /** When the record was taken from the log, epoch ms. */
  readonly takenAt: number;
}

/** All items that waited for one task, oldest first, handed over together. */
export interface Work<T> {
  readonly lane: string;
  readonly task: string;
  readonly items: readonly WorkItem<T>[];
  /** 1 at first; counts every call for these items, or for some of them before others joined. */
  readonly attempt: number;
  /** Aborts when the consumer stops and cannot wait any longer. */
  readonly signal: AbortSignal;
}

/**
 * `retry`: call again at `at` (epoch ms); nothing is occupied until then, and items that arrive meanwhile join. `scope` is what waits: this
 * task, or every task of the lane (its token is throttled, its database is away).
 */
export type Outcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'retry'; readonly at: number; readonly scope: 'task' | 'lane'; readonly failure: Failure }
  | { readonly kind: 'dead'; readonly failure: Failure };

export type Route<T> = (record: LogRecord) => Routing<T> | Promise<Routing<T>>;
export type Handle<T> = (work: Work<T>) => Promise<Outcome>;
/** Resolves when the dead letter is durable. */
export type DeadLetter = (
  record: LogRecord,
  failure: Failure,
  context: { readonly attempts: number; readonly firstFailedAt: Date },
) => Promise<void>;

/** A record's place in the log, to be settled when nothing needs the record any more. */
export interface Claim {
  /** False when the partition has been taken away: somebody else does the record. */
  readonly active: boolean;
  settle(): void;
}

/** For metrics. */
export interface SchedulerObserver {
  passed(): void;
  /** A call of `handle` ended. */
  handled(outcome: Outcome['kind'] | 'threw', items: number, milliseconds: number): void;
  retried(): void;
  deadLettered(failure: Failure): void;
}

export interface SchedulerLoad {
  /** Calls of `handle` that run. */
  readonly running: number;
  /** Records that are not being handled now: they wait for their turn, a retry or their dead letter. */
  readonly waiting: number;
  readonly lanes: number;
  /** When the oldest call of `handle` that runs began, epoch ms. */
  readonly oldestRunSince: number | null;
}

/** What waits in one lane. */
export interface LaneBacklog {
  readonly lane: string;
  readonly waiting: number;
  /** When the oldest record that waits was appended, epoch ms. */
  readonly oldestAt: number;
  /** Until when nothing of the lane runs, epoch ms, and why. */
  readonly held: { readonly until: number; readonly failure: Failure } | null;
}

export interface LaneScheduler {
  readonly push: (record: LogRecord, claim: Claim) => void;
  /** Forgets what waits with a claim that is no longer active. What runs goes on. */
  readonly dropInactive: () => void;
  load(): SchedulerLoad;
  /** Lanes in which something waits: those that are held first, then those with the oldest records; at most `limit`. */
  readonly backlog: (limit: number) => LaneBacklog[];
  /** Starts nothing more, forgets what waits, and resolves when nothing runs. */
  stop(): Promise<void>;
  /** Aborts the signal of what runs. */
  abort(): void;
}

interface Entry<T> {
  readonly record: LogRecord;
  readonly takenAt: number;
  readonly claim: Claim;
  item: T | undefined;
  attempts: number;
  firstFailedAt: number | null;
}

interface Task<T> {
  readonly name: string;
  /** `idle` only with nothing waiting, and then it is forgotten at once. */
  state: 'idle' | 'ready' | 'busy' | 'held';
  /** Its last run ended with a retry of its own. */
  isFailing: boolean;
  waiting: Entry<T>[];
  throws: number;
  timer: NodeJS.Timeout | null;
}

interface Lane<T> {
  readonly name: string;
  /** Records that have not been routed, in the order of the log. */
  readonly intake: Denque<Entry<T>>;
  readonly tasks: Map<string, Task<T>>;
  /** In turn: those that have not failed; and those that have, which come after them. */
  readonly ready: Denque<Task<T>>;
  readonly again: Denque<Task<T>>;
  /** Records that are to be routed again, or whose dead letter is being written. */
  readonly apart: Set<Entry<T>>;
  routing: boolean;
  running: number;
  /** Of those, tasks that have failed before. */
  runningAgain: number;
  /** Waits for its turn with nothing of it running. */
  queued: boolean;
  heldUntil: number;
  heldBy: Failure | null;
  timer: NodeJS.Timeout | null;
}

/** A handler that throws has a bug; a bug may be a passing one. */
const maxThrows = 3;
const longestTimerMs = 2 ** 31 - 1;

/**
 * Shares `total` slots among the lanes, one turn each, at most `perLane` for one of them. A lane with nothing running goes first, and half of
 * the slots are for such lanes alone: tenants whose every call hangs delay nobody before there are more of them than half of `total`.
 * Within a lane, tasks run side by side, each strictly in order. One that has failed by itself comes after those that have not, and half of the
 * lane's slots are not for such tasks: what never succeeds, or hangs each time, leaves room for what does. Nothing here knows Kafka.
 */
export function createLaneScheduler<T>(deps: {
  readonly route: Route<T>;
  readonly handle: Handle<T>;
  readonly deadLetter: DeadLetter;
  readonly perLane: number;
  readonly total: number;
  readonly logger: Logger;
  readonly observer: SchedulerObserver;
}): LaneScheduler {
  const { route, handle, deadLetter, perLane, total, logger, observer } = deps;
  const lanes = new Map<string, Lane<T>>();
  /** Lanes that may start something, in turn: those with nothing running, and those that want another slot. */
  const fresh = new Denque<Lane<T>>();
  const wantMore = new Set<Lane<T>>();
  const reserved = Math.floor(total / 2);
  /** Of a lane's slots, for tasks that have failed before. */
  const perLaneAgain = Math.ceil(perLane / 2);
  const runs = new Set<{ readonly since: number; readonly items: number }>();
  const timers = new Set<NodeJS.Timeout>();
  const aborter = new AbortController();
  /** Records that were pushed and neither settled nor forgotten. */
  let held = 0;
  /** Dead letters that are being written right now. */
  let writing = 0;
  let stopped = false;
  let startScheduled = false;
  let onIdle: (() => void) | null = null;

  function push(record: LogRecord, claim: Claim): void {
    if (stopped) return;
    held += 1;
    const lane = laneOf(record);
    lane.intake.push({ record, takenAt: Date.now(), claim, item: undefined, attempts: 0, firstFailedAt: null });
    if (!lane.routing) void routeIntake(lane);
  }

  function laneOf(record: LogRecord): Lane<T> {
    const name = record.key === null ? `${record.partition}@${record.offset}` : record.key.toString();
    let lane = lanes.get(name);
    if (lane === undefined) {
      lane = {
        name,
        intake: new Denque(),
        tasks: new Map(),
        ready: new Denque(),
        again: new Denque(),
        apart: new Set(),
        routing: false,
        running: 0,
        runningAgain: 0,
        queued: false,
        heldUntil: 0,
        heldBy: null,
        timer: null,
      };
      lanes.set(name, lane);
    }
    return lane;
  }

  /** One record after the other, so that a task gets its items in the order of the log. Does not yield while routing is immediate. */
  async function routeIntake(lane: Lane<T>): Promise<void> {
    lane.routing = true;
    for (let entry = lane.intake.shift(); entry !== undefined; entry = lane.intake.shift()) {
      let routing: Routing<T>;
      try {
        const answer = route(entry.record);
        routing = answer instanceof Promise ? await answer : answer;
      } catch (error) {
        routing = routingOfThrow(entry, error);
      }
      if (stopped || !isActive(entry)) held -= 1;
      else place(lane, entry, routing);
    }
    lane.routing = false;
    forgetIfEmpty(lane);
  }

  function routingOfThrow(entry: Entry<T>, error: unknown): Routing<T> {
    logger.error({ err: error, ...placeOf(entry.record) }, 'routing a record threw');
    const failure = unexpected(error);
    return entry.attempts + 1 < maxThrows ? { kind: 'retry', failure } : { kind: 'dead', failure };
  }

  function place(lane: Lane<T>, entry: Entry<T>, routing: Routing<T>): void {
    switch (routing.kind) {
      case 'pass':
        observer.passed();
        settle(entry);
        return;
      case 'work': {
        entry.item = routing.item;
        entry.attempts = 0;
        entry.firstFailedAt = null;
        let task = lane.tasks.get(routing.task);
        if (task === undefined) {
          // Most wait alone, and a list that was empty has room for seventeen.
          task = { name: routing.task, state: 'idle', isFailing: false, waiting: [entry], throws: 0, timer: null };
          lane.tasks.set(task.name, task);
        } else task.waiting.push(entry);
        if (task.state === 'idle') makeReady(lane, task);
        return;
      }
      case 'dead':
        noteFailure(entry);
        void bury(lane, [entry], routing.failure);
        return;
      case 'retry': {
        noteFailure(entry);
        observer.retried();
        lane.apart.add(entry);
        after(backoffMs(entry.attempts, 500, 5_000), () => {
          if (!lane.apart.delete(entry)) return;
          lane.intake.push(entry);
          if (!lane.routing) void routeIntake(lane);
        });
        return;
      }
    }
  }

  function makeReady(lane: Lane<T>, task: Task<T>): void {
    task.state = 'ready';
    (task.isFailing ? lane.again : lane.ready).push(task);
    enterRound(lane);
    if (startScheduled) return;
    startScheduled = true;
    // Not at once: the records that came with this one first, so that those of one task are handled together.
    setImmediate(() => {
      startScheduled = false;
      startSome();
    });
  }

  function enterRound(lane: Lane<T>): void {
    if (lane.queued || !hasTurn(lane) || lane.heldUntil > Date.now()) return;
    if (lane.running > 0) {
      wantMore.add(lane);
      return;
    }
    wantMore.delete(lane);
    lane.queued = true;
    fresh.push(lane);
  }

  /** Whether one of its tasks could run. */
  function hasTurn({ ready, again, running, runningAgain }: Lane<T>): boolean {
    if (running >= perLane) return false;
    return ready.length > 0 || (again.length > 0 && runningAgain < perLaneAgain);
  }

  /** Whose turn it is; undefined when there is no slot for anybody. */
  function nextLane(): Lane<T> | undefined {
    if (stopped || runs.size >= total) return undefined;
    const first = fresh.shift();
    if (first !== undefined) {
      first.queued = false;
      return first;
    }
    if (runs.size >= total - reserved) return undefined;
    const [lane] = wantMore;
    if (lane !== undefined) wantMore.delete(lane);
    return lane;
  }

  function startSome(): void {
    for (let lane = nextLane(); lane !== undefined; lane = nextLane()) {
      if (hasTurn(lane) && lane.heldUntil <= Date.now()) {
        const task = lane.ready.shift() ?? lane.again.shift();
        if (task !== undefined) void run(lane, task);
      }
      enterRound(lane);
    }
  }

  async function run(lane: Lane<T>, task: Task<T>): Promise<void> {
    const entries = task.waiting;
    task.waiting = [];
    task.state = 'busy';
    const isAgain = task.isFailing;
    lane.running += 1;
    lane.runningAgain += isAgain ? 1 : 0;
    const since = Date.now();
    const thisRun = { since, items: entries.length };
    runs.add(thisRun);
    const ending = await call(lane, task, entries);
    runs.delete(thisRun);
    lane.running -= 1;
    lane.runningAgain -= isAgain ? 1 : 0;
    observer.handled(ending.kind, entries.length, Date.now() - since);
    conclude(lane, task, entries, ending);
    enterRound(lane);
    startSome();
    tellIfIdle();
  }

  type Ending = Outcome | { readonly kind: 'threw'; readonly error: unknown };

  async function call(lane: Lane<T>, task: Task<T>, entries: readonly Entry<T>[]): Promise<Ending> {
    const items = entries.map(({ record, item, takenAt }) => ({ record, item: item as T, takenAt }));
    const attempt = 1 + entries.reduce((most, { attempts }) => Math.max(most, attempts), 0);
    try {
      return await handle({ lane: lane.name, task: task.name, items, attempt, signal: aborter.signal });
    } catch (error) {
      return { kind: 'threw', error };
    }
  }

  function conclude(lane: Lane<T>, task: Task<T>, entries: readonly Entry<T>[], ending: Ending): void {
    task.isFailing = false;
    if (ending.kind === 'done') {
      task.throws = 0;
      entries.forEach(settle);
      return release(lane, task);
    }
    const mine = stopped ? [] : entries.filter(isActive);
    held -= entries.length - mine.length;
    if (mine.length === 0) return release(lane, task);
    mine.forEach(noteFailure);
    switch (ending.kind) {
      case 'retry':
        return hold(lane, task, mine, ending);
      case 'dead':
        return giveUp(lane, task, mine, ending.failure);
      case 'threw': {
        task.throws += 1;
        logger.error(
          { err: ending.error, lane: lane.name, task: task.name, throws: task.throws, items: mine.length },
          'handling work threw',
        );
        if (task.throws >= maxThrows) return giveUp(lane, task, mine, unexpected(ending.error));
        return hold(lane, task, mine, {
          at: Date.now() + backoffMs(task.throws, 1_000, 30_000),
          scope: 'task',
          failure: unexpected(ending.error),
        });
      }
    }
  }

  /** The slot is free at once; the task is not: its later items wait until the dead letters are durable. */
  function giveUp(lane: Lane<T>, task: Task<T>, entries: readonly Entry<T>[], failure: Failure): void {
    task.throws = 0;
    void bury(lane, entries, failure).then(() => release(lane, task));
  }

  function hold(lane: Lane<T>, task: Task<T>, entries: readonly Entry<T>[], wait: Omit<Outcome & { kind: 'retry' }, 'kind'>): void {
    const { at, scope, failure } = wait;
    observer.retried();
    task.waiting = [...entries, ...task.waiting];
    if (scope === 'lane') {
      task.state = 'ready';
      lane.ready.push(task);
      holdLane(lane, at, failure);
      return;
    }
    task.state = 'held';
    task.isFailing = true;
    task.timer = after(at - Date.now(), () => {
      task.timer = null;
      release(lane, task);
    });
  }

  function holdLane(lane: Lane<T>, until: number, failure: Failure): void {
    if (until <= lane.heldUntil) return;
    lane.heldUntil = until;
    lane.heldBy = failure;
    cancel(lane.timer);
    lane.timer = after(until - Date.now(), () => {
      lane.timer = null;
      lane.heldUntil = 0;
      lane.heldBy = null;
      enterRound(lane);
      startSome();
      forgetIfEmpty(lane);
    });
  }

  /** The task is no longer busy: on with what waits, or it is forgotten. */
  function release(lane: Lane<T>, task: Task<T>): void {
    if (task.waiting.length > 0) return makeReady(lane, task);
    task.state = 'idle';
    lane.tasks.delete(task.name);
    forgetIfEmpty(lane);
  }

  /** Writes the dead letters, however long that takes: until then the offset stands. */
  async function bury(lane: Lane<T>, entries: readonly Entry<T>[], failure: Failure): Promise<void> {
    for (const entry of entries) lane.apart.add(entry);
    await Promise.all(entries.map((entry) => buryOne(lane, entry, failure)));
    forgetIfEmpty(lane);
  }

  async function buryOne(lane: Lane<T>, entry: Entry<T>, failure: Failure): Promise<void> {
    const context = { attempts: entry.attempts, firstFailedAt: new Date(entry.firstFailedAt ?? Date.now()) };
    for (let attempt = 1; lane.apart.has(entry); attempt += 1) {
      writing += 1;
      try {
        await deadLetter(entry.record, failure, context);
        observer.deadLettered(failure);
        if (lane.apart.delete(entry)) settle(entry);
        return;
      } catch (error) {
        logger.warn({ err: error, attempt, ...placeOf(entry.record) }, 'a dead letter could not be written; it is tried again');
      } finally {
        writing -= 1;
        tellIfIdle();
      }
      await new Promise<void>((resolve) => after(backoffMs(attempt, 500, 5_000), resolve));
    }
  }

  function after(milliseconds: number, then: () => void): NodeJS.Timeout {
    const timer = setTimeout(
      () => {
        timers.delete(timer);
        if (!stopped) then();
      },
      Math.min(Math.max(0, milliseconds), longestTimerMs),
    );
    timers.add(timer);
    return timer;
  }

  function cancel(timer: NodeJS.Timeout | null): void {
    if (timer === null) return;
    clearTimeout(timer);
    timers.delete(timer);
  }

  function tellIfIdle(): void {
    if (stopped && runs.size === 0 && writing === 0) onIdle?.();
  }

  function settle(entry: Entry<T>): void {
    held -= 1;
    entry.claim.settle();
  }

  function forgetIfEmpty(lane: Lane<T>): void {
    if (lane.tasks.size > 0 || lane.apart.size > 0 || lane.intake.length > 0 || lane.routing) return;
    // A held lane is remembered: its next records must wait as well.
    if (lane.timer === null) lanes.delete(lane.name);
  }

  function keepOrForget(entry: Entry<T>): boolean {
    if (isActive(entry)) return true;
    held -= 1;
    return false;
  }

  function dropInactive(): void {
    for (const lane of lanes.values()) {
      keepOnly(lane.intake, keepOrForget);
      for (const entry of lane.apart) if (!keepOrForget(entry)) lane.apart.delete(entry);
      for (const task of lane.tasks.values()) {
        task.waiting = task.waiting.filter(keepOrForget);
        if (task.waiting.length > 0 || task.state === 'busy') continue;
        cancel(task.timer);
        task.state = 'idle';
        lane.tasks.delete(task.name);
      }
      keepOnly(lane.ready, ({ state }) => state === 'ready');
      keepOnly(lane.again, ({ state }) => state === 'ready');
      forgetIfEmpty(lane);
    }
  }

  return {
    push,
    dropInactive,
    abort: () => aborter.abort(new Error('the consumer is stopping')),

    load() {
      const handled = [...runs].reduce((sum, { items }) => sum + items, 0);
      const [oldest] = runs;
      return { running: runs.size, waiting: held - handled, lanes: lanes.size, oldestRunSince: oldest?.since ?? null };
    },

    backlog(limit) {
      const found = [...lanes.values()].map(backlogOf).filter(({ waiting }) => waiting > 0);
      return found.toSorted((a, b) => Number(b.held !== null) - Number(a.held !== null) || a.oldestAt - b.oldestAt).slice(0, limit);
    },

    async stop() {
      stopped = true;
      for (const timer of timers) clearTimeout(timer);
      if (runs.size === 0 && writing === 0) return;
      await new Promise<void>((resolve) => {
        onIdle = resolve;
      });
    },
  };
}

function backlogOf<T>({ name, intake, tasks, apart, heldUntil, heldBy }: Lane<T>): LaneBacklog {
  const firsts = [intake.peekFront(), ...[...tasks.values()].map(({ waiting }) => waiting[0]), ...apart];
  return {
    lane: name,
    waiting: [...tasks.values()].reduce((sum, { waiting }) => sum + waiting.length, intake.length + apart.size),
    oldestAt: firsts.reduce((oldest, entry) => Math.min(oldest, entry?.record.timestamp ?? oldest), Number.POSITIVE_INFINITY),
    held: heldBy === null ? null : { until: heldUntil, failure: heldBy },
  };
}

/** Keeps the items that pass, in their order. */
function keepOnly<I>(queue: Denque<I>, passes: (item: I) => boolean): void {
  for (let left = queue.length; left > 0; left -= 1) {
    const item = queue.shift();
    if (item !== undefined && passes(item)) queue.push(item);
  }
}

function isActive({ claim }: { readonly claim: Claim }): boolean {
  return claim.active;
}

function noteFailure(entry: { attempts: number; firstFailedAt: number | null }): void {
  entry.attempts += 1;
  entry.firstFailedAt ??= Date.now();
}

function unexpected(error: unknown): Failure {
  const code = error instanceof Error ? error.name : typeof error;
  return { class: 'unexpected', code, message: error instanceof Error ? error.message : String(error) };
}

function placeOf({ topic, partition, offset }: LogRecord): { topic: string; partition: number; offset: string } {
  return { topic, partition, offset: String(offset) };
}
