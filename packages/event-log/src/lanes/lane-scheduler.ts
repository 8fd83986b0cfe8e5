import type { Failure } from '@notion-mirror/domain/failure';
import type { Logger } from '@notion-mirror/service-kit/logger';
import { placeOf, type LogRecord } from '../log-record.ts';
import { createBurial } from './burial.ts';
import {
  backlogOf,
  createLane,
  dropInactive,
  endHold,
  endRun,
  holdLane,
  holdTask,
  isActive,
  isOver,
  joinTask,
  mayStart,
  noteFailure,
  releaseTask,
  startRun,
  takeBack,
  waitingIn,
  type Entry,
  type Hold,
  type Lane,
  type LaneBacklog,
  type Run,
  type Task,
} from './lane.ts';
import { routingOfThrow, setbackOfThrow, shortBackoffMs, type Setback } from './retries.ts';
import { createTimers } from './timers.ts';
import { createTurns } from './turns.ts';
import type { Claim, DeadLetter, Handle, Outcome, Route, Routing } from './work.ts';

/** For metrics. */
export interface SchedulerObserver {
  passed(): void;
  /** A call of `handle` ended. */
  handled(outcome: Outcome['kind'] | 'threw', items: number, milliseconds: number): void;
  retried(): void;
  deadLettered(failure: Failure): void;
}

export interface SchedulerLoad {
  /** Calls of `handle` in flight. */
  readonly running: number;
  /** Records that are not being handled now: they wait for their turn, a retry or their dead letter. */
  readonly waiting: number;
  readonly lanes: number;
  /** When the oldest call of `handle` in flight began, epoch ms. */
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
 * parallel, each strictly in order. turns.ts and `mayStart` decide which is next. Nothing here knows Kafka.
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
  const turns = createTurns<Lane<T>>(total);
  const timers = createTimers();
  const bury = createBurial({ deadLetter, timers, logger });
  const aborter = new AbortController();
  const runs = new Map<Run<T>, Promise<void>>();
  const burials = new Set<Promise<unknown>>();
  let stopped = false;
  let startScheduled = false;

  function push(record: LogRecord, claim: Claim): void {
    if (stopped) return;
    const lane = laneOf(record);
    addToIntake(lane, { record, takenAt: Date.now(), claim, item: undefined, attempts: 0, firstFailedAt: null });
  }

  function laneOf(record: LogRecord): Lane<T> {
    const name = record.key === null ? `${record.partition}@${record.offset}` : record.key.toString();
    let lane = lanes.get(name);
    if (lane === undefined) {
      lane = createLane(name);
      lanes.set(name, lane);
    }
    return lane;
  }

  function addToIntake(lane: Lane<T>, entry: Entry<T>): void {
    lane.intake.push(entry);
    if (lane.routing === null) void routeIntake(lane);
  }

  /** One record after the other, so that a task gets its items in the order of the log. Does not yield while routing is synchronous. */
  async function routeIntake(lane: Lane<T>): Promise<void> {
    for (let entry = lane.intake.shift(); entry !== undefined; entry = lane.intake.shift()) {
      lane.routing = entry;
      let routing: Routing<T>;
      try {
        const answer = route(entry.record);
        routing = answer instanceof Promise ? await answer : answer;
      } catch (error) {
        logger.error({ err: error, ...placeOf(entry.record) }, 'routing a record threw');
        routing = routingOfThrow(error, entry.attempts + 1);
      }
      if (!stopped && isActive(entry)) follow(lane, entry, routing);
    }
    lane.routing = null;
    forgetIfOver(lane);
  }

  function follow(lane: Lane<T>, entry: Entry<T>, routing: Routing<T>): void {
    switch (routing.kind) {
      case 'pass':
        observer.passed();
        entry.claim.settle();
        return;
      case 'work':
        entry.item = routing.item;
        entry.attempts = 0;
        entry.firstFailedAt = null;
        if (joinTask(lane, routing.task, entry)) startSoon(lane);
        return;
      case 'dead':
        noteFailure(entry);
        void buryAll(lane, [entry], routing.failure);
        return;
      case 'retry':
        noteFailure(entry);
        observer.retried();
        void routeLater(lane, entry);
        return;
    }
  }

  async function routeLater(lane: Lane<T>, entry: Entry<T>): Promise<void> {
    lane.apart.add(entry);
    const isDue = await timers.sleep(shortBackoffMs(entry.attempts));
    if (isDue && lane.apart.delete(entry)) addToIntake(lane, entry);
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
    if (mayStart(lane, perLane, Date.now())) turns.enter(lane, lane.running > 0);
  }

  function nextLane(): Lane<T> | undefined {
    return stopped ? undefined : turns.next(runs.size);
  }

  function startSome(): void {
    for (let lane = nextLane(); lane !== undefined; lane = nextLane()) {
      const run = startRun(lane, perLane, Date.now());
      if (run !== null) runs.set(run, execute(lane, run));
      enterTurns(lane);
    }
  }

  async function execute(lane: Lane<T>, run: Run<T>): Promise<void> {
    const ending = await call(lane, run);
    runs.delete(run);
    endRun(lane, run);
    observer.handled(ending.kind, run.entries.length, Date.now() - run.since);
    conclude(lane, run, ending);
    enterTurns(lane);
    startSome();
  }

  type Ending = Outcome | { readonly kind: 'threw'; readonly error: unknown };

  async function call(lane: Lane<T>, { task, entries }: Run<T>): Promise<Ending> {
    const items = entries.map(({ record, item, takenAt }) => ({ record, item: item as T, takenAt }));
    const attempt = 1 + entries.reduce((most, { attempts }) => Math.max(most, attempts), 0);
    try {
      return await handle({ lane: lane.name, task: task.name, items, attempt, signal: aborter.signal });
    } catch (error) {
      return { kind: 'threw', error };
    }
  }

  function conclude(lane: Lane<T>, { task, entries }: Run<T>, ending: Ending): void {
    if (ending.kind === 'done') {
      task.throws = 0;
      for (const { claim } of entries) claim.settle();
      return release(lane, task);
    }
    const left = stopped ? [] : entries.filter(isActive);
    if (left.length === 0) return release(lane, task);
    left.forEach(noteFailure);
    if (ending.kind === 'threw') {
      task.throws += 1;
      logger.error({ err: ending.error, lane: lane.name, task: task.name, throws: task.throws, items: left.length }, 'the handler threw');
    }
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

  async function retryLater(lane: Lane<T>, task: Task<T>, { at, scope, failure }: Setback & { readonly kind: 'retry' }): Promise<void> {
    observer.retried();
    if (scope === 'lane') {
      void holdUntilDue(lane, { until: at, failure });
      return release(lane, task);
    }
    holdTask(task, failure.class !== 'stale');
    const isDue = await timers.sleep(at - Date.now());
    if (isDue && task.state === 'held') release(lane, task);
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

  /** Until the dead letters are durable, however long that takes, the offset stands. */
  async function buryAll(lane: Lane<T>, entries: readonly Entry<T>[], failure: Failure): Promise<void> {
    for (const entry of entries) lane.apart.add(entry);
    const burial = Promise.all(entries.map((entry) => buryOne(lane, entry, failure)));
    burials.add(burial);
    await burial;
    burials.delete(burial);
    forgetIfOver(lane);
  }

  async function buryOne(lane: Lane<T>, entry: Entry<T>, failure: Failure): Promise<void> {
    if (!(await bury(entry, failure, () => lane.apart.has(entry)))) return;
    observer.deadLettered(failure);
    if (lane.apart.delete(entry)) entry.claim.settle();
  }

  function forgetIfOver(lane: Lane<T>): void {
    if (isOver(lane) && lanes.get(lane.name) === lane) lanes.delete(lane.name);
  }

  return {
    push,
    abort: () => aborter.abort(new Error('the consumer is stopping')),

    dropInactive() {
      for (const lane of lanes.values()) {
        dropInactive(lane);
        forgetIfOver(lane);
      }
    },

    load() {
      let waiting = 0;
      for (const lane of lanes.values()) waiting += waitingIn(lane);
      const [oldest] = runs.keys();
      return { running: runs.size, waiting, lanes: lanes.size, oldestRunSince: oldest?.since ?? null };
    },

    backlog(limit) {
      const found = [...lanes.values()].map(backlogOf).filter(({ waiting }) => waiting > 0);
      return found.toSorted((a, b) => Number(b.held !== null) - Number(a.held !== null) || a.oldestAt - b.oldestAt).slice(0, limit);
    },

    async stop() {
      stopped = true;
      timers.stop();
      await Promise.all([...runs.values(), ...burials]);
    },
  };
}
