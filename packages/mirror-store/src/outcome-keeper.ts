import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import type { Logger } from '@notion-mirror/service-kit/logger';
import { Counter, Gauge, type Registry } from '@notion-mirror/service-kit/metrics';
import { MongoServerError, type Db } from 'mongodb';
import { setTimeout as delay } from 'node:timers/promises';
import { collectionNames } from './collections.ts';
import { duplicateKey, mayBeContent } from './errors.ts';
import { noteSigns } from './tenant-signs.ts';
import { outcomeDocument, outcomeOf, type EventOutcome, type OutcomeDocument } from './event-outcomes.ts';

/** Keeps outcomes beside the work: whoever hands one over never waits for it, and never hears that it failed. */
export interface OutcomeKeeper {
  readonly keep: (outcome: EventOutcome) => void;
  /** Writes what waits now, without the pause; resolves when all of it is written or lost, which MongoDB can delay without end. Never rejects. */
  flush(): Promise<void>;
  /** Writes what waits, for at most `deadlineMs` (default 1,000); what is left then is lost. Never rejects. */
  stop(deadlineMs?: number): Promise<void>;
}

const maxWaiting = 10_000;
const batchSize = 500;
const pauseAfterFailureMs = 5_000;

/**
 * Outcomes go to MongoDB in batches, twice a second, and MongoDB forgets them after `retentionSeconds` (0: none are kept). While it is away the
 * newest 10,000 wait in memory; what comes on top is lost and counted. One batch at a time, written without waiting for a majority: an outcome
 * is for people, and nothing else depends on it.
 */
export function createOutcomeKeeper(deps: {
  readonly db: Db;
  readonly retentionSeconds: number;
  readonly logger: Logger;
  readonly metrics: Registry;
  /** Between two batches. Default 500. */
  readonly pauseMs?: number;
}): OutcomeKeeper {
  const { retentionSeconds, logger, pauseMs = 500 } = deps;
  const kept = new Counter({
    name: 'notion_mirror_outcomes_kept_total',
    help: 'Outcomes of events that were written to MongoDB.',
    registers: [deps.metrics],
  });
  const lost = new Counter({
    name: 'notion_mirror_outcomes_lost_total',
    help: 'Outcomes of events that `mirror explain` will not know: MongoDB was away too long. The events themselves are not concerned.',
    registers: [deps.metrics],
  });
  if (retentionSeconds === 0) return { keep: () => {}, flush: () => Promise.resolve(), stop: () => Promise.resolve() };

  const outcomes = deps.db.collection<OutcomeDocument>(collectionNames.eventOutcomes, { writeConcern: { w: 1 } });
  const stopping = new AbortController();
  let waiting: OutcomeDocument[] = [];
  let wake: (() => void) | null = null;
  /** Outcomes leave in the order in which they came: of these, all but the ones that wait are written or lost. */
  let handedOver = 0;
  let flushUpTo = 0;
  let resting = new AbortController();
  let batchEnded = Promise.withResolvers<void>();
  const gauge = new Gauge({
    name: 'notion_mirror_outcomes_waiting',
    help: 'Outcomes of events that wait to be written to MongoDB.',
    registers: [deps.metrics],
    collect() {
      gauge.set(waiting.length);
    },
  });

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      if (waiting.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      if (waiting.length < batchSize && settled() >= flushUpTo) {
        resting = new AbortController();
        await pause(pauseMs, resting.signal);
      }
      const isWritten = await writeSome();
      batchEnded.resolve();
      batchEnded = Promise.withResolvers();
      if (!isWritten) await pause(pauseAfterFailureMs);
    }
  }

  function settled(): number {
    return handedOver - waiting.length;
  }

  async function pause(ms: number, ...others: AbortSignal[]): Promise<void> {
    await delay(ms, undefined, { signal: AbortSignal.any([stopping.signal, ...others]), ref: false }).catch(() => {});
  }

  /** False: MongoDB takes none now, and they go on waiting. */
  async function writeSome(): Promise<boolean> {
    const batch = waiting.slice(0, batchSize);
    if (batch.length === 0) return true;
    try {
      await outcomes.insertMany(batch, { ordered: false });
      await noteSigns(deps.db, batch);
      kept.inc(batch.length);
    } catch (error) {
      const isThere = error instanceof MongoServerError && error.code === duplicateKey;
      if (!isThere && !mayBeContent(error)) {
        logger.warn({ err: error, outcomes: batch.length }, 'outcomes could not be written; they are again in a moment');
        return false;
      }
      // Some were written by a try that seemed to fail, or one of them cannot be written at all.
      (isThere ? kept : lost).inc(batch.length);
    }
    // By identity: what was too much meanwhile has been dropped at this end.
    const written = new Set(batch);
    waiting = waiting.filter((document) => !written.has(document));
    return true;
  }

  const running = run();
  return {
    keep(outcome) {
      if (waiting.length >= maxWaiting) {
        waiting.shift();
        lost.inc();
      }
      waiting.push(outcomeDocument(outcome, new Date(outcome.at.getTime() + retentionSeconds * 1000)));
      handedOver += 1;
      wake?.();
    },
    async flush() {
      const upTo = handedOver;
      flushUpTo = upTo;
      resting.abort();
      while (settled() < upTo) await batchEnded.promise;
    },
    async stop(deadlineMs = 1_000) {
      stopping.abort();
      wake?.();
      const flushed = (async () => {
        await running;
        while (waiting.length > 0 && (await writeSome()));
      })();
      await Promise.race([flushed, delay(deadlineMs, undefined, { ref: false })]);
      lost.inc(waiting.length);
    },
  };
}

/** A record that became a dead letter. Of one whose bytes are no event nothing is kept: the letter itself says more. */
export function keepDeadRecord(
  { keep }: Pick<OutcomeKeeper, 'keep'>,
  service: EventOutcome['service'],
  dead: {
    readonly record: { readonly partition: number; readonly offset: bigint; readonly timestamp: number };
    readonly event: DatabaseEvent | null;
    readonly failure: NonNullable<EventOutcome['failure']>;
    readonly attempts: number;
  },
): void {
  const { record, event, failure, attempts } = dead;
  if (event === null) return;
  const { class: errorClass, code, message } = failure;
  const about = { attempts, failure: { class: errorClass, code, message: message.slice(0, 1_000).toWellFormed() } };
  keep({ ...outcomeOf(service, event, record), ...about, outcome: 'dead_letter', reason: code, at: new Date() });
}
