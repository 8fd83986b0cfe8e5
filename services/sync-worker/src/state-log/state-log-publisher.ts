import { setTimeout as delay } from 'node:timers/promises';
import type { StateCodec } from '@notion-mirror/event-log/state-codec';
import { StateRefusedError, type StateLogWriter } from '@notion-mirror/event-log/state-log-writer';
import type { StateRecord } from '@notion-mirror/event-log/state-record';
import { PositionLostError, type RecordChange, type RecordChanges } from '@notion-mirror/mirror-store/records/record-changes';
import type { ChangePosition, StateLogProgress } from '@notion-mirror/mirror-store/state-log-progress';
import type { Logger } from '@notion-mirror/service-kit/logger';
import { createChangeInbox } from './change-inbox.ts';
import { leadWhileHeld, type Leadership } from './lease.ts';
import { createStateBatch, type StateBatch } from './state-batch.ts';
import type { LogMeter } from './state-log-metrics.ts';

export interface StateLogPublisher {
  stop(): Promise<void>;
}

/** How often the position is stored while nothing changes: it must not fall out of MongoDB's own log. */
const idleStoreMs = 10_000;
/** After a batch of fewer than this many, the next few changes are awaited for so long: an append and a stored position for each change would cost a worker as much as the document. */
const smallBatch = 100;
const lingerMs = 100;

interface Leader<Content> extends Leadership {
  readonly writer: StateLogWriter;
  readonly codec: Pick<StateCodec<Content>, 'encode'>;
}

/**
 * Appends every change of one kind's records to its state log, in the order in which they were applied. Every sync-worker runs one of these, and
 * one at a time does the work: it holds a lease, and its writer fences the previous ones (`docs/decisions/0007-*`). Whatever goes wrong, it
 * begins again at the position that was stored last, so a change is appended at least once. When the changes from there on cannot be had any
 * more, it appends every record as it is, and goes on from there.
 */
export function startStateLogPublisher<Content>(deps: {
  readonly changes: RecordChanges<Content>;
  readonly progress: StateLogProgress;
  /** Resolves when every earlier writer is fenced. */
  readonly openWriter: () => Promise<StateLogWriter>;
  readonly openCodec: () => Promise<Pick<StateCodec<Content>, 'encode'>>;
  /** Whether nothing was ever appended to the topic: then, if something was, the topic was recreated. */
  readonly isEmpty: () => Promise<boolean>;
  readonly logger: Logger;
  readonly meter: LogMeter;
}): StateLogPublisher {
  const { changes, progress, logger, meter } = deps;
  const stopping = new AbortController();

  async function lead(leadership: Leadership): Promise<void> {
    const { signal } = leadership;
    const codec = await deps.openCodec();
    const writer = await deps.openWriter();
    try {
      meter.leads(true);
      logger.info('appending to the state log');
      // Read after the fence: no other process moves it any more.
      const stored = await progress.read();
      const isEmpty = await deps.isEmpty();
      let position = isEmpty && stored.appended > 0 ? null : stored.position;
      // What was restored is on the log already, and something newer of the same record may lie behind it.
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

  /** Every record as it is now. Resolves to the position that it goes on from; null when it was stopped. */
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
    logger.info({ appended }, 'every record was appended to the state log');
    if (await progress.advance(position, appended)) return position;
    leave();
    return null;
  }

  /** Until it is to stop; resolves to null when the position is lost. */
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
        logger.error({ problem: change.problem }, 'a record cannot be read and is not appended to the state log');
        break;
    }
  }

  /** Resolves to how many the broker has taken. */
  async function append(writer: StateLogWriter, records: readonly StateRecord[]): Promise<number> {
    if (records.length === 0) return 0;
    try {
      await writer.append(records);
      for (const { value } of records) meter.appended.inc({ kind: value === null ? 'null' : 'state' });
      return records.length;
    } catch (error) {
      if (!(error instanceof StateRefusedError)) throw error;
      if (records.length > 1) {
        let taken = 0;
        for (const record of records) taken += await append(writer, [record]);
        return taken;
      }
      meter.skipped.inc({ reason: 'refused' });
      logger.error({ err: error }, 'the broker refuses a state: the log keeps the previous one');
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
