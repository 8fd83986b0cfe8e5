import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs } from '@notion-mirror/service-kit/async/backoff';
import type { Logger } from '@notion-mirror/service-kit/logger';
import type { Registry } from '@notion-mirror/service-kit/metrics';
import type { Kafka } from 'kafkajs';
import { createAssignments, type FetchedBatch } from './assignments.ts';
import { openGroupSession, type GroupSession } from './group-session.ts';
import { settlesBefore } from '@notion-mirror/service-kit/async/deadline';
import { isFenced, isOutage, isUnknownTopic } from '../kafka-errors.ts';
import { createConsumerMetrics } from './lane-consumer-metrics.ts';
import type { LaneBacklog } from './lane.ts';
import { createLaneScheduler } from './lane-scheduler.ts';
import type { DeadLetter, Grouping, Handle, Route } from './work.ts';
import { partitionOfKey } from '../stable-partitioner.ts';
import { findWhereabouts } from '../whereabouts.ts';

export type { DeadLetter, Handle, Outcome, Route, Routing, Work } from './work.ts';
export type { LogRecord } from '../log-record.ts';

export interface ConsumerLimits {
  /** Tasks that may run at a time: of one lane (default 4), and of all (default 512, half of them for lanes with nothing else running). */
  readonly perLane?: number;
  readonly total?: number;
  /**
   * Records that may be in memory, in all (default 100,000), and approximately their bytes (default 72 MiB). One partition alone may hold four
   * fifths of that, about 20,000 events; beyond that it is paused, and resumes at 80 %. Nothing is dropped. A fetch can exceed the bound by
   * 1 MiB for each broker.
   */
  readonly maxRecords?: number;
  readonly maxBytes?: number;
  /** How long the group waits for a member that died without leaving, ms. Default 10,000. */
  readonly sessionTimeoutMs?: number;
  /** Default 1,000. */
  readonly commitIntervalMs?: number;
  /**
   * When commits fail for this long, ms, although the client is in the group, it joins again. Default 10,000. After a rejoin that broke off
   * half-way (the new coordinator was still loading), KafkaJS fetches and sends heartbeats, but commits to the old coordinator for ever.
   */
  readonly commitsFailForMs?: number;
  /** When a call of a handler takes longer than this, ms, the process counts as not live. Default 600,000. */
  readonly stuckAfterMs?: number;
}

export interface Health {
  readonly ok: boolean;
  readonly detail: string;
}

export interface ConsumerState {
  readonly partitions: readonly number[];
  readonly running: number;
  readonly waiting: number;
  readonly lanes: number;
  readonly oldestAt: number | null;
}

export interface LaneConsumer {
  /**
   * Joins the group; resolves when this member has joined. Waits while the brokers are unavailable; rejects when the topic does not exist or
   * the brokers refuse us.
   */
  run(): Promise<void>;
  /**
   * Takes no more records, waits for running work (its signal aborts a little before the deadline), commits finished work and leaves the
   * group. Never rejects and never takes longer than the deadline. A successor does the rest.
   */
  stop(options: { readonly deadlineMs: number }): Promise<void>;
  /** Liveness. Calls no dependency. */
  live(): Health;
  /** Whether this member is assigned the records with this key. */
  owns(key: string): boolean;
  /** Readiness: has joined once and is not stopping. Neither lag nor a rebalance changes it. */
  ready(): Health;
  /** See `LaneScheduler`. */
  backlog(limit: number): LaneBacklog[];
  /** Of this member: its partitions, its load, and when its oldest unfinished record was appended (epoch ms). */
  state(): ConsumerState;
  /** The consumer cannot continue: the process must end, so that another one continues from the last commit. */
  onFatal(listener: (error: Error) => void): void;
}

export const defaultLimits: Required<ConsumerLimits> = {
  perLane: 4,
  total: 512,
  maxRecords: 100_000,
  maxBytes: 72 * 1024 * 1024,
  sessionTimeoutMs: 10_000,
  commitIntervalMs: 1_000,
  commitsFailForMs: 10_000,
  stuckAfterMs: 600_000,
};

/** How long a commit waits for `beforeCommit` at most: offsets that are never committed would be worse. */
const beforeCommitMs = 1_000;
const lagMs = 15_000;
/** The client shows activity several times a second; the longest gap is while the group waits for another member to rejoin. */
const silentAfterMs = 60_000;
/** Crashes of the client, other than by an outage, with no progress in between. */
const maxCrashes = 10;

/**
 * Reads a topic as one member of a consumer group and hands its records to `handle`, lane by lane (lane = the record's key).
 *
 * Records leave KafkaJS's eachBatch at once, so no partition waits for another, and heartbeats do not wait for work. An offset is committed
 * only when everything before it is done: a crash repeats work and never skips any.
 */
export function createLaneConsumer<T>(deps: {
  readonly kafka: Kafka;
  readonly groupId: string;
  readonly topic: string;
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly route: Route<T>;
  readonly handle: Handle<T>;
  /** For tasks that are handed over together; by default every task is handed over by itself. */
  readonly groups?: Grouping<T> | undefined;
  readonly deadLetter: DeadLetter;
  /**
   * Called for each assignment before its records are taken, and again later if it rejects. `owned`: the keys whose records this member gets; null: none. Until
   * it has resolved, `owns` is false for keys of partitions that are new here.
   */
  readonly prepare?: (owned: ((key: string) => boolean) | null) => Promise<void>;
  /** Flushes logs and outcomes of finished work before its offset is committed: after that, the work is not repeated. */
  readonly beforeCommit?: () => Promise<void>;
  readonly limits?: ConsumerLimits;
}): LaneConsumer {
  const { kafka, groupId, topic, route, handle, groups, deadLetter } = deps;
  const limits = { ...defaultLimits, ...deps.limits };
  const logger = deps.logger.child({ group: groupId });
  const metrics = createConsumerMetrics(deps.metrics, groupId);
  const scheduler = createLaneScheduler<T>({
    route,
    handle,
    groups,
    deadLetter,
    perLane: limits.perLane,
    total: limits.total,
    logger,
    observer: metrics,
  });
  const assignments = createAssignments({
    topic,
    bound: { records: limits.maxRecords, bytes: limits.maxBytes },
    control: {
      pause: (partitions) => session?.pause(partitions),
      resume: (partitions) => session?.resume(partitions),
      seek: (partition, offset) => session?.seek(partition, offset),
    },
    push: scheduler.push,
    onEnd: scheduler.dropInactive,
    onLateCompletion: metrics.lateCompletion,
    onSkipped: metrics.skipped,
    logger,
  });

  let state: 'new' | 'joining' | 'joined' | 'stopping' | 'stopped' = 'new';
  let session: GroupSession | null = null;
  let everJoined = false;
  let fatalError: Error | null = null;
  let lastSign = Date.now();
  let crashes = { count: 0, at: 0 };
  /** Of the topic; 0 until it is known. */
  let partitionCount = 0;
  /** Those that the member was last prepared for. */
  let prepared: ReadonlySet<number> = new Set();
  /** Counts calls of `locate`. */
  let locating = 0;
  /** Counts assignments of the group, so that an answer about an earlier one is not mistaken for the current one. */
  let assignment = 0;
  let committing: Promise<void> | null = null;
  /** When commits began to fail, since one succeeded or the group was joined, epoch ms. */
  let commitsFailSince: number | null = null;
  const fatalListeners: ((error: Error) => void)[] = [];
  const intervals: NodeJS.Timeout[] = [];
  const stopSignal = new AbortController();
  /** Settles with the first join, or with the reason why there will be none. */
  const firstJoin = Promise.withResolvers<void>();
  firstJoin.promise.catch(() => {});

  const isStopping = (): boolean => state === 'stopping' || state === 'stopped';

  function sign(): void {
    lastSign = Date.now();
  }

  /** Opens one session after another until the consumer is stopped or cannot continue. */
  async function keepJoined(): Promise<void> {
    for (let attempt = 1; !isStopping(); attempt += 1) {
      const joinedBefore = assignment;
      const error = await liveOneSession();
      if (isStopping()) return;
      if (assignment > joinedBefore) attempt = 1;
      assignments.end();
      state = 'joining';
      metrics.crashed();
      const verdict = judge(error, attempt);
      if (verdict !== null) return die(verdict);
      logger.warn({ err: error, attempt }, 'left the group; rejoining');
      sign();
      await delay(backoffMs(attempt, 250, 5_000), undefined, { signal: stopSignal.signal }).catch(() => {});
    }
  }

  /** Why trying again is pointless; null when it is not. */
  function judge(error: unknown, attempt: number): Error | null {
    if (isUnknownTopic(error) && attempt > 3) return new Error(`the topic ${topic} does not exist: run \`mirror init\``, { cause: error });
    if (isOutage(error)) return null;
    const now = Date.now();
    crashes = { count: now - crashes.at > 600_000 ? 1 : crashes.count + 1, at: now };
    return crashes.count < maxCrashes
      ? null
      : new Error(`the Kafka client crashed ${maxCrashes} times without any progress`, { cause: error });
  }

  /** Why it ended. */
  async function liveOneSession(): Promise<unknown> {
    const ended = Promise.withResolvers<unknown>();
    const current = openGroupSession({
      kafka,
      groupId,
      topic,
      sessionTimeoutMs: limits.sessionTimeoutMs,
      events: { onJoin: begin, onRebalancing: () => void commit(), onBatch: take, onCrash: ended.resolve, onSign: sign },
    });
    session = current;
    commitsFailSince = null;
    sign();
    const watchdog = setInterval(() => {
      const now = Date.now();
      if (now - lastSign > silentAfterMs) ended.resolve(new Error(`no sign of the Kafka client for ${silentAfterMs} ms`));
      const failingMs = now - (commitsFailSince ?? now);
      if (failingMs > limits.commitsFailForMs) ended.resolve(new Error(`no commit has succeeded for ${failingMs} ms`));
    }, 1_000);
    const over = new AbortController();
    stopSignal.signal.addEventListener('abort', () => ended.resolve(null), { signal: over.signal });
    current.start().catch(ended.resolve);
    const reason = await ended.promise;
    clearInterval(watchdog);
    over.abort();
    // `stop` closes the session itself.
    if (!isStopping()) void current.close(Date.now() + silentAfterMs);
    return reason;
  }

  function begin(partitions: readonly number[]): void {
    metrics.rebalanced();
    state = 'joined';
    everJoined = true;
    assignment += 1;
    commitsFailSince = null;
    logger.info({ partitions }, 'joined the group');
    assignments.begin(partitions);
    void locate();
    firstJoin.resolve();
  }

  function take(batch: FetchedBatch): boolean {
    if (isStopping() || !assignments.accept(batch)) return false;
    metrics.consumed(batch.messages.length);
    crashes.count = 0;
    return true;
  }

  function die(error: Error): void {
    fatalError = error;
    logger.fatal({ err: error }, 'the consumer cannot continue');
    firstJoin.reject(error);
    for (const listener of fatalListeners) listener(error);
  }

  /**
   * Prepares for the partitions and finds out where to continue on each. We decide that, not the client: a batch that begins elsewhere is not accepted. Ends when
   * it is called again.
   */
  async function locate(): Promise<void> {
    locating += 1;
    const current = locating;
    const isOver = (): boolean => current !== locating || isStopping();
    const { partitions } = assignments;
    for (let attempt = 1; !isOver(); attempt += 1) {
      try {
        const found = partitions.length === 0 ? [] : await findWhereabouts(kafka, groupId, topic);
        if (isOver()) return;
        await deps.prepare?.(partitions.length === 0 ? null : ownerOf(partitions, found.length));
        if (isOver()) return;
        if (partitions.length > 0) partitionCount = found.length;
        prepared = new Set(partitions);
        for (const one of found) assignments.place(one);
        if (partitions.every((partition) => found.some((known) => known.partition === partition))) return;
      } catch (error) {
        logger.warn({ err: error, attempt }, 'cannot begin with the assigned partitions; retrying');
      }
      await delay(backoffMs(attempt, 100, 2_000));
    }
  }

  function commit(): Promise<void> {
    committing ??= commitOnce().finally(() => {
      committing = null;
    });
    return committing;
  }

  async function commitOnce(): Promise<void> {
    const due = assignments.dueCommits();
    if (session === null || due.length === 0) return;
    const from = { session, assignment };
    if (deps.beforeCommit !== undefined) await settlesBefore(deps.beforeCommit(), Date.now() + beforeCommitMs);
    // These offsets are of an assignment that is over: committed for the next one, they could reset those of another member.
    if (session !== from.session || assignment !== from.assignment) return;
    try {
      if (!(await session.commit(due))) return;
      for (const { committed } of due) committed();
      commitsFailSince = null;
      metrics.committed('ok');
    } catch (error) {
      const fenced = isFenced(error);
      if (!fenced) commitsFailSince ??= Date.now();
      metrics.committed(fenced ? 'fenced' : 'failed');
      logger[fenced ? 'debug' : 'warn']({ err: error }, 'cannot commit offsets; retrying');
    }
  }

  function watch(): void {
    intervals.push(
      setInterval(() => {
        void commit();
        metrics.sample(scheduler.load(), assignments.states(), scheduler.backlog(Number.POSITIVE_INFINITY));
      }, limits.commitIntervalMs),
      setInterval(() => void refreshLag(), lagMs),
    );
  }

  /** A paused partition reports no high watermark. */
  async function refreshLag(): Promise<void> {
    if (state !== 'joined' || assignments.partitions.length === 0) return;
    try {
      const found = await findWhereabouts(kafka, groupId, topic);
      for (const { partition, high } of found) assignments.noteHighWatermark(partition, high);
      // Partitions were added: keys have moved.
      if (found.length !== partitionCount && partitionCount > 0) void locate();
    } catch (error) {
      logger.debug({ err: error }, 'cannot read the ends of the partitions');
    }
  }

  return {
    async run() {
      if (state !== 'new') throw new Error('a consumer can be run only once');
      state = 'joining';
      watch();
      void keepJoined();
      await firstJoin.promise;
    },

    async stop({ deadlineMs }) {
      if (isStopping()) return;
      state = 'stopping';
      const deadline = Date.now() + deadlineMs;
      const reserve = Math.min(2_000, deadlineMs * 0.4);
      for (const interval of intervals) clearInterval(interval);
      session?.pauseAll();
      stopSignal.abort();
      firstJoin.resolve();

      const drained = scheduler.stop();
      if (!(await settlesBefore(drained, deadline - reserve))) {
        scheduler.abort();
        await settlesBefore(drained, deadline - reserve / 2);
      }
      const { running } = scheduler.load();
      if (running > 0) logger.warn({ running }, 'work was still running at the deadline; a successor repeats it');
      // The first may have begun before the last work ended.
      await settlesBefore(commit(), deadline);
      await settlesBefore(commit(), deadline);
      if (session !== null && !(await session.close(deadline))) logger.warn('the Kafka client did not leave the group in time');
      assignments.end();
      metrics.sample(scheduler.load(), [], []);
      state = 'stopped';
    },

    live() {
      if (fatalError !== null) return { ok: false, detail: fatalError.message };
      const silentMs = Date.now() - lastSign;
      if (state !== 'new' && !isStopping() && silentMs > 2 * silentAfterMs) {
        return { ok: false, detail: `no sign of the Kafka client for ${Math.round(silentMs / 1000)} s` };
      }
      const { oldestRunSince } = scheduler.load();
      const oldestMs = oldestRunSince === null ? 0 : Date.now() - oldestRunSince;
      if (oldestMs > limits.stuckAfterMs) return { ok: false, detail: `work has been running for ${Math.round(oldestMs / 1000)} s` };
      return { ok: true, detail: state };
    },

    owns(key) {
      if (state !== 'joined' || partitionCount === 0) return false;
      const partition = partitionOfKey(key, partitionCount);
      return prepared.has(partition) && assignments.partitions.includes(partition);
    },

    ready() {
      return { ok: everJoined && fatalError === null && !isStopping(), detail: fatalError?.message ?? state };
    },

    backlog: scheduler.backlog,

    state() {
      const { running, waiting, lanes } = scheduler.load();
      const oldest = assignments.states().flatMap(({ oldestTimestamp }) => (oldestTimestamp === null ? [] : [oldestTimestamp]));
      return { partitions: assignments.partitions, running, waiting, lanes, oldestAt: oldest.length === 0 ? null : Math.min(...oldest) };
    },

    onFatal(listener) {
      fatalListeners.push(listener);
    },
  };
}

function ownerOf(partitions: readonly number[], count: number): (key: string) => boolean {
  const owned = new Set(partitions);
  return (key) => owned.has(partitionOfKey(key, count));
}
