import { setTimeout as delay } from 'node:timers/promises';
import { StateRefusedError, type StateLogWriter } from '@notion-mirror/event-log/state-log-writer';
import { toStateRecord, type StateRecord } from '@notion-mirror/event-log/state-record';
import type { StateCodec } from '@notion-mirror/event-log/state-codec';
import { PositionLostError, type RecordChange, type RecordChanges } from '@notion-mirror/mirror-store/record-changes';
import type { ChangePosition, StateLogProgress } from '@notion-mirror/mirror-store/state-log-progress';
import { backoffMs } from '@notion-mirror/service-kit/async/backoff';
import type { Logger } from '@notion-mirror/service-kit/logger';
import { Counter, Gauge, type Registry } from '@notion-mirror/service-kit/metrics';

export interface StateLogPublisher {
  stop(): Promise<void>;
}

/** A process that died is followed by another one after this. */
const leaseMs = 15_000;
const holdEveryMs = 4_000;
/** How often the position is stored while nothing changes: it must not fall out of MongoDB's own log. */
const idleStoreMs = 10_000;
const maxBatchRecords = 500;
/** After a batch of fewer than this many, the next few changes are awaited for so long: an append and a stored position for each change would cost a worker as much as the document. */
const smallBatch = 100;
const lingerMs = 100;
const maxBatchBytes = 8 * 1024 * 1024;
const minBackoffMs = 250;
const maxBackoffMs = 5_000;

/**
 * Appends every change of `database_records` to the state log, in the order in which they were applied. Every sync-worker runs one of these, and
 * one at a time is at work: it holds a lease, and its writer fences those of before (`docs/decisions/0007-*`). Whatever goes wrong, it
 * begins again at the position that was stored last, so a change is appended at least once. When the changes from there on are not to
 * be had any more, it appends every record as it is, and goes on from there.
 */
export function startStateLogPublisher(deps: {
  readonly changes: RecordChanges;
  readonly progress: StateLogProgress;
  /** Resolves when every earlier writer is fenced. */
  readonly openWriter: () => Promise<StateLogWriter>;
  readonly openCodec: () => Promise<Pick<StateCodec, 'encode'>>;
  /** Whether nothing was ever appended to the topic: then, if something was, it was made anew. */
  readonly isEmpty: () => Promise<boolean>;
  readonly logger: Logger;
  readonly metrics: Registry;
}): StateLogPublisher {
  const { changes, progress, logger } = deps;
  const measure = stateLogMetrics(deps.metrics);
  const stopping = new AbortController();
  const wait = (ms: number) => delay(ms, undefined, { signal: stopping.signal, ref: false }).catch(() => {});

  async function run(): Promise<void> {
    for (let attempt = 1; !stopping.signal.aborted; attempt += 1) {
      try {
        if (await progress.hold(leaseMs)) {
          await lead(() => (attempt = 1));
          await progress.release().catch(() => {});
        } else attempt = 1;
      } catch (error) {
        if (!stopping.signal.aborted) logger.warn({ err: error }, 'the state log is not appended to; going on trying');
      }
      measure.leads(false);
      await wait(attempt === 1 ? holdEveryMs : backoffMs(attempt, minBackoffMs, maxBackoffMs));
    }
  }

  /** Until the lease is lost or the publisher stops. */
  async function lead(works: () => void): Promise<void> {
    const lost = new AbortController();
    const signal = AbortSignal.any([stopping.signal, lost.signal]);
    const holding = setInterval(() => {
      progress.hold(leaseMs).then(
        (held) => held || lost.abort(),
        // MongoDB is away: then nothing comes to be appended either, and the next hold tells.
        () => {},
      );
    }, holdEveryMs);
    let writer: StateLogWriter | null = null;
    try {
      const codec = await deps.openCodec();
      writer = await deps.openWriter();
      measure.leads(true);
      logger.info('appending to the state log');
      // Read after the fence: nobody else moves it any more.
      const stored = await progress.read();
      const isEmpty = await deps.isEmpty();
      let position = isEmpty && stored.appended > 0 ? null : stored.position;
      // What was restored is on the log already, and something newer of the same record may lie behind it.
      let of: 'all' | 'not restored' = isEmpty ? 'all' : 'not restored';
      const lease = { writer, codec, signal, leave: () => lost.abort() };
      while (!signal.aborted) {
        position ??= await appendAll(lease, of);
        of = 'not restored';
        if (position !== null) position = await appendChanges(lease, position, works);
      }
    } finally {
      clearInterval(holding);
      await writer?.close();
    }
  }

  /** Every record as it is now. Resolves to the position that it goes on from; null when it was stopped. */
  async function appendAll({ writer, codec, signal, leave }: Lease, of: 'all' | 'not restored'): Promise<ChangePosition | null> {
    if (!(await progress.advance(null, 0))) {
      leave();
      return null;
    }
    const { position, records } = await changes.snapshot(of);
    const batch = createBatch(codec);
    let appended = 0;
    for await (const change of records) {
      if (signal.aborted) return null;
      add(batch, change);
      if (batch.isFull()) appended += await append(writer, batch.take());
    }
    appended += await append(writer, batch.take());
    measure.snapshots.inc();
    logger.info({ appended }, 'every record was appended to the state log');
    if (await progress.advance(position, appended)) return position;
    leave();
    return null;
  }

  /** Until it is to stop; resolves to null when the position is lost. */
  async function appendChanges(
    { writer, codec, signal, leave }: Lease,
    from: ChangePosition,
    works: () => void,
  ): Promise<ChangePosition | null> {
    const ended = new AbortController();
    const inbox = createInbox(createBatch(codec));
    const reading = read(AbortSignal.any([signal, ended.signal])).then(
      () => inbox.end(null),
      (error: unknown) => inbox.end(error),
    );

    async function read(until: AbortSignal): Promise<void> {
      let idleSince = performance.now();
      for await (const { change, position } of changes.follow(from, until)) {
        if (change !== null) add(inbox.batch, change);
        const isIdle = change === null && performance.now() - idleSince > idleStoreMs;
        if (isIdle) idleSince = performance.now();
        await inbox.reached(position, isIdle);
      }
    }

    try {
      for (;;) {
        const taken = await inbox.take();
        if (taken === null) return from;
        measure.behindSince(taken.oldest);
        const appended = await append(writer, taken.records);
        if (!(await progress.advance(taken.position, appended))) {
          leave();
          return from;
        }
        works();
        measure.behindSince(inbox.batch.oldest());
        if (taken.records.length < smallBatch) await wait(lingerMs);
      }
    } catch (error) {
      if (!(error instanceof PositionLostError)) throw error;
      logger.warn({ err: error }, 'changes were missed: every record is appended again');
      return null;
    } finally {
      ended.abort();
      inbox.close();
      await reading;
    }
  }

  function add(batch: Batch, change: RecordChange): void {
    switch (change.kind) {
      case 'state':
        batch.add(change);
        break;
      case 'restored':
        measure.skipped.inc({ reason: 'restored' });
        break;
      case 'unreadable':
        measure.skipped.inc({ reason: 'unreadable' });
        logger.error({ problem: change.problem }, 'a record cannot be read and is not appended to the state log');
        break;
    }
  }

  /** Resolves to how many the broker has taken. */
  async function append(writer: StateLogWriter, records: readonly StateRecord[]): Promise<number> {
    if (records.length === 0) return 0;
    try {
      await writer.append(records);
      for (const { value } of records) measure.appended.inc({ kind: value === null ? 'null' : 'state' });
      return records.length;
    } catch (error) {
      if (!(error instanceof StateRefusedError)) throw error;
      if (records.length > 1) {
        let taken = 0;
        for (const record of records) taken += await append(writer, [record]);
        return taken;
      }
      measure.skipped.inc({ reason: 'refused' });
      logger.error({ err: error }, 'a state is refused by the broker: the log keeps the one of before');
      return 0;
    }
  }

  const running = run();
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

interface Lease {
  readonly writer: StateLogWriter;
  readonly codec: Pick<StateCodec, 'encode'>;
  /** Aborts when it is to stop, or the lease is lost. */
  readonly signal: AbortSignal;
  readonly leave: () => void;
}

interface Batch {
  add(change: Extract<RecordChange, { kind: 'state' }>): void;
  isFull(): boolean;
  /** When the oldest change in it was applied; null when it is empty. */
  oldest(): Date | null;
  take(): readonly StateRecord[];
}

function createBatch(codec: Pick<StateCodec, 'encode'>): Batch {
  let records: StateRecord[] = [];
  let bytes = 0;
  let since: Date | null = null;
  return {
    add({ state, at }) {
      const record = toStateRecord(state, codec);
      records.push(record);
      bytes += record.value?.length ?? 0;
      since ??= at;
    },
    isFull: () => records.length >= maxBatchRecords || bytes >= maxBatchBytes,
    oldest: () => since,
    take() {
      const taken = records;
      records = [];
      bytes = 0;
      since = null;
      return taken;
    },
  };
}

/** Between the reading of changes and their appending: while one batch is on its way, the next one fills. */
function createInbox(batch: Batch) {
  let position: ChangePosition | null = null;
  let isWorthStoring = false;
  let outcome: { readonly error: Error | null } | null = null;
  let wakeTaker: (() => void) | null = null;
  let wakeReader: (() => void) | null = null;
  let closed = false;

  return {
    batch,
    /** Resolves when there is room for more. */
    async reached(reachedPosition: ChangePosition, isIdle: boolean): Promise<void> {
      position = reachedPosition;
      isWorthStoring ||= isIdle || batch.oldest() !== null;
      if (isWorthStoring) wakeTaker?.();
      if (batch.isFull() && !closed) await new Promise<void>((resolve) => (wakeReader = resolve));
    },
    end(error: unknown): void {
      outcome = { error: error === null || error instanceof Error ? error : new Error('changes cannot be followed', { cause: error }) };
      wakeTaker?.();
    },
    close(): void {
      closed = true;
      wakeReader?.();
    },
    /** Null when the reading has ended. Rejects with what it ended with, once all before that was taken. */
    async take(): Promise<{
      readonly records: readonly StateRecord[];
      readonly oldest: Date | null;
      readonly position: ChangePosition;
    } | null> {
      for (;;) {
        if (position !== null && isWorthStoring) {
          const taken = { oldest: batch.oldest(), records: batch.take(), position };
          isWorthStoring = false;
          wakeReader?.();
          return taken;
        }
        if (outcome !== null) {
          if (outcome.error === null) return null;
          throw outcome.error;
        }
        await new Promise<void>((resolve) => (wakeTaker = resolve));
      }
    },
  };
}

export function stateLogMetrics(registry: Registry) {
  let leading = false;
  /** Since when it is not known that everything is appended; null: it is. */
  let behindSince: number | null = null;
  const registers = [registry];
  const leader = new Gauge({
    name: 'notion_mirror_state_log_leader',
    help: '1 in the process that appends to the state log.',
    registers,
  });
  const lag = new Gauge({
    name: 'notion_mirror_state_log_lag_seconds',
    help: 'In the process that appends to the state log: age of the oldest change that is not on it.',
    registers,
    collect() {
      lag.set(leading && behindSince !== null ? Math.max(0, Date.now() - behindSince) / 1000 : 0);
    },
  });
  return {
    appended: new Counter({
      name: 'notion_mirror_state_log_appended_total',
      help: 'Changes appended to the state log: states, and nulls for what is gone.',
      labelNames: ['kind'],
      registers,
    }),
    skipped: new Counter({
      name: 'notion_mirror_state_log_skipped_total',
      help: 'Changes not appended: restored from the state log, unreadable, or refused by the broker.',
      labelNames: ['reason'],
      registers,
    }),
    snapshots: new Counter({
      name: 'notion_mirror_state_log_snapshots_total',
      help: 'Times that every record was appended: at the very start, and whenever changes were missed.',
      registers,
    }),
    leads(isLeading: boolean) {
      if (leading === isLeading) return;
      leading = isLeading;
      behindSince = Date.now();
      leader.set(isLeading ? 1 : 0);
    },
    /** When the oldest change was applied that is not appended; null: all that is known of is. */
    behindSince(oldest: Date | null) {
      behindSince = oldest === null ? null : oldest.getTime();
    },
  };
}
