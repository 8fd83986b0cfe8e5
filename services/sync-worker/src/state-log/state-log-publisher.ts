import { setTimeout as delay } from 'node:timers/promises';
import type { StateCodec } from '@notion-mirror/event-log/state-codec';
import { StateRefusedError, type StateLogWriter } from '@notion-mirror/event-log/state-log-writer';
import type { StateRecord } from '@notion-mirror/event-log/state-record';
import { PositionLostError, type RecordChange, type RecordChanges } from '@notion-mirror/mirror-store/records/record-changes';
import type { ChangePosition, StateLogProgress } from '@notion-mirror/mirror-store/state-log-progress';
import type { Logger } from '@notion-mirror/service-kit/logger';
import { endFailed } from '@notion-mirror/service-kit/tracing/in-span';
import type { Tracing } from '@notion-mirror/service-kit/tracing/tracing';
import { createChangeInbox } from './change-inbox.ts';
import { leadWhileHeld, type Leadership } from './lease.ts';
import { createStateBatch, type StateBatch } from './state-batch.ts';
import { startStateSend } from './state-send.ts';
import type { LogMeter } from './state-log-metrics.ts';

export interface StateLogPublisher {
  stop(): Promise<void>;
}

/** How often the position is stored while nothing changes, so that it does not fall out of MongoDB's oplog. */
const idleStoreMs = 10_000;
/** After a batch smaller than this, it waits `lingerMs` for more changes: an append and a stored position per change would cost a worker as much as the document. */
const smallBatch = 100;
const lingerMs = 100;

interface Leader<Content> extends Leadership {
  readonly writer: StateLogWriter;
  readonly codec: Pick<StateCodec<Content>, 'encode'>;
}

/**
 * Appends every change of one kind's records to its state log, in the order they were applied. Every sync-worker runs a publisher, but only one
 * appends at a time: it holds a lease, and its writer fences the previous ones (`docs/decisions/0007-*`). After any failure it restarts from the
 * last stored position, so each change is appended at least once. When MongoDB no longer has the changes after that position, it appends every
 * record in its current state and continues from there.
 */
export function startStateLogPublisher<Content>(deps: {
  readonly changes: RecordChanges<Content>;
  readonly progress: StateLogProgress;
  /** Resolves when every earlier writer is fenced. */
  readonly openWriter: () => Promise<StateLogWriter>;
  readonly openCodec: () => Promise<Pick<StateCodec<Content>, 'encode'>>;
  /** Whether nothing was ever appended to this topic. If the stored progress says otherwise, the topic was recreated. */
  readonly isEmpty: () => Promise<boolean>;
  readonly topic: string;
  readonly tracing: Tracing;
  readonly logger: Logger;
  readonly meter: LogMeter;
}): StateLogPublisher {
  const { changes, progress, topic, tracing, logger, meter } = deps;
  const stopping = new AbortController();

  async function lead(leadership: Leadership): Promise<void> {
    const { signal } = leadership;
    const codec = await deps.openCodec();
    const writer = await deps.openWriter();
    try {
      meter.leads(true);
      logger.info('appending to the state log');
      // Read after fencing, so that no other process can move it.
      const stored = await progress.read();
      const isEmpty = await deps.isEmpty();
      let position = isEmpty && stored.appended > 0 ? null : stored.position;
      // Restored records are on the log already, possibly followed by newer states of the same record.
      let of: 'all' | 'not restored' = isEmpty ? 'all' : 'not restored';
      const leader = { ...leadership, writer, codec };
      while (!signal.aborted) {
        position ??= await appendAll(leader, of);
        of = 'not restored';
        if (position !== null) position = await appendChanges(leader, position);
      }
    } finally {
      await writer.close();
    }
  }

  /** Appends every record in its current state. Resolves to the position to continue from; null when it was stopped. */
  async function appendAll({ writer, codec, signal, leave }: Leader<Content>, of: 'all' | 'not restored'): Promise<ChangePosition | null> {
    if (!(await progress.advance(null, 0))) {
      leave();
      return null;
    }
    const { position, records } = await changes.snapshot(of);
    const batch = createStateBatch(codec);
    let appended = 0;
    for await (const change of records) {
      if (signal.aborted) return null;
      add(batch, change);
      if (batch.isFull()) appended += await append(writer, batch.take());
    }
    appended += await append(writer, batch.take());
    meter.snapshots.inc();
    logger.info({ appended }, 'appended every record to the state log');
    if (await progress.advance(position, appended)) return position;
    leave();
    return null;
  }

  /** Appends changes until it is stopped; resolves to null when the position is lost. */
  async function appendChanges(
    { writer, codec, signal, leave, works }: Leader<Content>,
    from: ChangePosition,
  ): Promise<ChangePosition | null> {
    const ended = new AbortController();
    const batch = createStateBatch(codec);
    const inbox = createChangeInbox(batch);
    const reading = read(AbortSignal.any([signal, ended.signal])).then(
      () => inbox.end(null),
      (error: unknown) => inbox.end(error),
    );

    async function read(until: AbortSignal): Promise<void> {
      let idleSince = performance.now();
      for await (const { change, position } of changes.follow(from, until)) {
        if (change !== null) add(batch, change);
        const isIdle = change === null && performance.now() - idleSince > idleStoreMs;
        if (isIdle) idleSince = performance.now();
        await inbox.reached(position, isIdle);
      }
    }

    try {
      for (;;) {
        const taken = await inbox.take();
        if (taken === null) return from;
        meter.behindSince(taken.oldest);
        const appended = await append(writer, taken.records);
        if (!(await progress.advance(taken.position, appended))) {
          leave();
          return from;
        }
        works();
        meter.behindSince(batch.oldest());
        if (taken.records.length < smallBatch) await delay(lingerMs, undefined, { signal: stopping.signal, ref: false }).catch(() => {});
      }
    } catch (error) {
      if (!(error instanceof PositionLostError)) throw error;
      logger.warn({ err: error }, 'changes were missed; appending every record again');
      return null;
    } finally {
      ended.abort();
      inbox.close();
      await reading;
    }
  }

  function add(batch: StateBatch<Content>, change: RecordChange<Content>): void {
    switch (change.kind) {
      case 'state':
        batch.add(change);
        break;
      case 'restored':
        meter.skipped.inc({ reason: 'restored' });
        break;
      case 'unreadable':
        meter.skipped.inc({ reason: 'unreadable' });
        logger.error({ problem: change.problem }, 'cannot read a record; it is not appended to the state log');
        break;
    }
  }

  /** Resolves to the number of records that the broker accepted. */
  async function append(writer: StateLogWriter, records: readonly StateRecord[]): Promise<number> {
    if (records.length === 0) return 0;
    const sends = records.map((record) => startStateSend(tracing, topic, record));
    try {
      await writer.append(sends.map(({ sent }) => sent));
      for (const { span } of sends) span?.end();
      for (const { value } of records) meter.appended(value === null ? 'null' : 'state');
      return records.length;
    } catch (error) {
      for (const { span } of sends) endFailed(span, error);
      if (!(error instanceof StateRefusedError)) throw error;
      if (records.length > 1) {
        let taken = 0;
        for (const record of records) taken += await append(writer, [record]);
        return taken;
      }
      meter.skipped.inc({ reason: 'refused' });
      logger.error({ err: error }, 'the broker refuses a state; the log keeps the previous one');
      return 0;
    }
  }

  const running = leadWhileHeld(progress, {
    stopping: stopping.signal,
    lead,
    onFailure: (error) => logger.warn({ err: error }, 'cannot append to the state log; retrying'),
    onEnd: () => meter.leads(false),
  });
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
