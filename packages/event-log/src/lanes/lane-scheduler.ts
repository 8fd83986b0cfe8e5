import type { Failure } from '@notion-mirror/domain/failure';
import type { Logger } from '@notion-mirror/service-kit/logger';
import type { LogRecord } from '../log-record.ts';
import { createBurial, createLaneBurial } from './burial.ts';
import { createHandlerCall, entriesOf, type Ending, type Sorted } from './handler-call.ts';
import { createIntake } from './intake.ts';
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
  type Hold,
  type Lane,
  type LaneBacklog,
  type Run,
} from './lane.ts';
import { endSurplus } from './lane-surplus.ts';
import { endWait, postpone, type GroupWait, type Part } from './lane-queue.ts';
import { isActive, noteFailure, takeBack, type Entry, type Task } from './lane-task.ts';
import { setbackOfThrow, type Setback } from './retries.ts';
import { createTimers } from './timers.ts';
import { createTurns } from './turns.ts';
import type { Claim, DeadLetter, Grouping, Handle, Outcome, Route, Routing } from './work.ts';

/** For metrics. */
export interface SchedulerObserver {
  passed(): void;
  /** A call of a handler ended. `items`: those with this outcome. */
  handled(outcome: Outcome['kind'] | 'threw', items: number, milliseconds: number): void;
  retried(): void;
  deadLettered(failure: Failure): void;
}

export interface SchedulerLoad {
  /** Calls of a handler in flight. */
  readonly running: number;
  /** Records that are not being handled now: they wait for their turn, a retry or their dead letter. */
  readonly waiting: number;
  /** Of those, the ones that only wait for their turn. */
  readonly runnable: number;
  readonly lanes: number;
  /** When the oldest call of a handler in flight began, epoch ms. */
  readonly oldestRunSince: number | null;
}

export interface LaneScheduler {
  readonly push: (record: LogRecord, claim: Claim) => void;
  /** Forgets waiting records whose claim is no longer active. Running work continues. */
  readonly dropInactive: () => void;
  load(): SchedulerLoad;
  /** Lanes with waiting records: held ones first, then those with the oldest records; at most `limit`. */
  readonly backlog: (limit: number) => LaneBacklog[];
  /** Starts nothing more, forgets waiting records, and resolves when nothing runs. */
  stop(): Promise<void>;
  /** Aborts the signal of running work. */
  abort(): void;
}

/**
 * Runs the work of many tenants, a lane each: at most `perLane` tasks of one lane and `total` of all at a time. Within a lane, tasks run in
 * parallel, each strictly in order; a group of tasks that are handed over together counts as one. turns.ts and lane.ts decide which is next.
 * Nothing here knows Kafka.
 */
export function createLaneScheduler<T>(deps: {
  readonly route: Route<T>;
  readonly handle: Handle<T>;
  readonly groups?: Grouping<T> | undefined;
  readonly deadLetter: DeadLetter;
  readonly perLane: number;
  readonly total: number;
  readonly logger: Logger;
  readonly observer: SchedulerObserver;
}): LaneScheduler {
  const { route, handle, groups, deadLetter, perLane, total, logger, observer } = deps;
  const lanes = new Map<string, Lane<T>>();
  const turns = createTurns<Lane<T>>(total);
  const timers = createTimers();
  const aborter = new AbortController();
  const handler = createHandlerCall({ handle, groups, signal: aborter.signal, logger });
  const rules = { slots: perLane, ...handler.rules };
  const runs = new Map<Run<T>, Promise<void>>();
  let stopped = false;
  let startScheduled = false;
  const addToIntake = createIntake<T>({
    route,
    timers,
    logger,
    isOpen: () => !stopped,
    onRetry: () => observer.retried(),
    onRouted: follow,
    onEmpty: forgetIfOver,
  });
  const { buryAll, allBuried } = createLaneBurial<T>({
    bury: createBurial({ deadLetter, timers, logger }),
    onBuried: (failure) => observer.deadLettered(failure),
    onEnd: forgetIfOver,
  });

  function laneOf({ key, partition, offset }: LogRecord): Lane<T> {
    const name = key === null ? `${partition}@${offset}` : key.toString();
    let lane = lanes.get(name);
    if (lane === undefined) {
      lane = createLane(name, rules);
      lanes.set(name, lane);
    }
    return lane;
  }

  function follow(lane: Lane<T>, entry: Entry<T>, routing: Exclude<Routing<T>, { kind: 'retry' }>): void {
    switch (routing.kind) {
      case 'pass':
        observer.passed();
        entry.claim.settle();
        return;
      case 'work':
        entry.item = routing.item;
        entry.attempts = 0;
        entry.firstFailedAt = null;
        if (joinTask(lane, routing, entry)) startSoon(lane);
        if (endSurplus(lane, handler.supersede)) startSoon(lane);
        return;
      case 'dead':
        noteFailure(entry);
        void buryAll(lane, [entry], routing.failure);
        return;
    }
  }

  /** Not at once: the records that came with this one first, so that those of one task are handled together. */
  function startSoon(lane: Lane<T>): void {
    enterTurns(lane);
    if (startScheduled) return;
    startScheduled = true;
    setImmediate(() => {
      startScheduled = false;
      startSome();
    });
  }

  function enterTurns(lane: Lane<T>): void {
    if (mayStart(lane, Date.now())) turns.enter(lane, lane.running > 0);
  }

  function nextLane(): Lane<T> | undefined {
    return stopped ? undefined : turns.next(runs.size);
  }

  function startSome(): void {
    for (let lane = nextLane(); lane !== undefined; lane = nextLane()) {
      const run = startRun(lane, Date.now());
      if (run !== null) runs.set(run, execute(lane, run));
      enterTurns(lane);
    }
  }

  async function execute(lane: Lane<T>, run: Run<T>): Promise<void> {
    const ending = await handler.call(lane.name, run);
    runs.delete(run);
    endRun(lane, run);
    const ended = entriesOf(run).filter((entry) => ending.kind !== 'done' || ending.fateOf(entry) === 'done');
    observer.handled(ending.kind, ended.length, Date.now() - run.since);
    conclude(lane, run, ending);
    enterTurns(lane);
    startSome();
  }

  function conclude(lane: Lane<T>, run: Run<T>, ending: Ending<T>): void {
    if (ending.kind === 'done') sort(lane, run, ending);
    else for (const part of run.parts) setBack(lane, part, ending);
  }

  function sort(lane: Lane<T>, run: Run<T>, { fateOf, until, gathers }: Sorted<T>): void {
    const postponed: Task<T>[] = [];
    const released: Task<T>[] = [];
    for (const { task, entries } of run.parts) {
      for (const entry of entries) if (fateOf(entry) === 'done') entry.claim.settle();
      const left = stopped ? [] : entries.filter((entry) => fateOf(entry) !== 'done' && isActive(entry));
      takeBack(task, left);
      task.throws = 0;
      if (left.some((entry) => fateOf(entry) === 'alone')) task.group = null;
      (left.length > 0 && task.group !== null && until !== null ? postponed : released).push(task);
    }
    // First, since what is released now must wait if the group gathers.
    if (until !== null) void postponeUntilDue(lane, run, postponed, { until, gathers });
    for (const task of released) release(lane, task);
  }

  function setBack(lane: Lane<T>, { task, entries }: Part<T>, ending: Exclude<Ending<T>, Sorted<T>>): void {
    const left = stopped ? [] : entries.filter(isActive);
    if (left.length === 0) return release(lane, task);
    left.forEach(noteFailure);
    if (ending.kind === 'threw') task.throws += 1;
    const setback = ending.kind === 'threw' ? setbackOfThrow(ending.error, task.throws) : ending;
    if (setback.kind === 'retry') {
      takeBack(task, left);
      void retryLater(lane, task, setback);
    } else {
      task.throws = 0;
      // The slot is free at once; the task is not: its later items wait until the dead letters are durable.
      void buryAll(lane, left, setback.failure).then(() => release(lane, task));
    }
  }

  async function postponeUntilDue(lane: Lane<T>, { queue, group }: Run<T>, tasks: readonly Task<T>[], asked: GroupWait): Promise<void> {
    const wait = group === null ? null : postpone(queue, group, tasks, asked);
    if (wait === null || group === null) return;
    const isDue = await timers.sleep(wait.until - Date.now());
    if (!isDue || !endWait(queue, group, wait)) return;
    startSoon(lane);
    forgetIfOver(lane);
  }

  async function retryLater(lane: Lane<T>, task: Task<T>, { at, scope, failure }: Setback & { readonly kind: 'retry' }): Promise<void> {
    observer.retried();
    if (scope === 'lane') {
      void holdUntilDue(lane, { until: at, failure });
      return release(lane, task);
    }
    const isHeld = holdTask(task, failure.class !== 'stale');
    const isDue = await timers.sleep(at - Date.now());
    if (isDue && isHeld()) release(lane, task);
  }

  async function holdUntilDue(lane: Lane<T>, hold: Hold): Promise<void> {
    if (!holdLane(lane, hold)) return;
    const isDue = await timers.sleep(hold.until - Date.now());
    if (!isDue || !endHold(lane, hold)) return;
    enterTurns(lane);
    startSome();
    forgetIfOver(lane);
  }

  /** The task is no longer busy or held: it continues with its waiting records, or is forgotten. */
  function release(lane: Lane<T>, task: Task<T>): void {
    if (releaseTask(lane, task)) startSoon(lane);
    else forgetIfOver(lane);
  }

  function forgetIfOver(lane: Lane<T>): void {
    if (isOver(lane) && lanes.get(lane.name) === lane) lanes.delete(lane.name);
  }

  return {
    abort: () => aborter.abort(new Error('the consumer is stopping')),

    push(record, claim) {
      if (stopped) return;
      const entry = { record, takenAt: Date.now(), claim, item: undefined, attempts: 0, firstFailedAt: null };
      addToIntake(laneOf(record), entry);
    },

    dropInactive() {
      for (const lane of lanes.values()) {
        dropInactive(lane);
        forgetIfOver(lane);
      }
    },

    load() {
      const now = Date.now();
      let waiting = 0;
      let runnable = 0;
      for (const lane of lanes.values()) {
        waiting += waitingIn(lane);
        runnable += runnableIn(lane, now);
      }
      const [oldest] = runs.keys();
      return { running: runs.size, waiting, runnable, lanes: lanes.size, oldestRunSince: oldest?.since ?? null };
    },

    backlog(limit) {
      const found = [...lanes.values()].map(backlogOf).filter(({ waiting }) => waiting > 0);
      return found.toSorted((a, b) => Number(b.held !== null) - Number(a.held !== null) || a.oldestAt - b.oldestAt).slice(0, limit);
    },

    async stop() {
      stopped = true;
      timers.stop();
      await Promise.all([...runs.values(), allBuried()]);
    },
  };
}
