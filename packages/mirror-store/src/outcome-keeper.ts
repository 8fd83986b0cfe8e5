import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import { settlesBefore } from '@notion-mirror/service-kit/async/deadline';
import type { Logger } from '@notion-mirror/service-kit/logger';
import { readTraceparent, traceFieldsOf } from '@notion-mirror/service-kit/tracing/trace-context';
import { Counter, Gauge, type Registry } from '@notion-mirror/service-kit/metrics';
import { MongoServerError, type Db } from 'mongodb';
import { setTimeout as delay } from 'node:timers/promises';
import { collectionNames } from './collections.ts';
import { duplicateKey, mayBeContent } from './errors.ts';
import { noteSigns } from './tenant-signs.ts';
import { outcomeDocument, outcomeOf, type EventOutcome, type OutcomeDocument } from './event-outcomes.ts';

/** Stores outcomes in the background: callers never wait for a write, and never see its failure. */
export interface OutcomeKeeper {
  readonly keep: (outcome: EventOutcome) => void;
  /** Writes waiting outcomes now, without the pause; resolves when all of them are written or lost, which MongoDB can delay indefinitely. Never rejects. */
  flush(): Promise<void>;
  /** Writes waiting outcomes, for at most `deadlineMs` (default 1,000); the rest is lost. Never rejects. */
  stop(deadlineMs?: number): Promise<void>;
}

const maxWaiting = 10_000;
const batchSize = 500;
const pauseAfterFailureMs = 5_000;

/**
 * Writes outcomes to MongoDB in batches, twice a second; they expire after `retentionMs` (0: none are stored). While MongoDB is unavailable
 * the newest 10,000 wait in memory; the oldest beyond that are lost and counted. One batch at a time, written without waiting for the majority:
 * outcomes are for people, and nothing else depends on them.
 */
export function createOutcomeKeeper(deps: {
  readonly db: Db;
  readonly retentionMs: number;
  readonly logger: Logger;
  readonly metrics: Registry;
  /** Pause between two batches. Default 500. */
  readonly pauseMs?: number;
}): OutcomeKeeper {
  const { retentionMs, logger, pauseMs = 500 } = deps;
  const kept = new Counter({
    name: 'notion_mirror_outcomes_kept_total',
    help: 'Outcomes of events written to MongoDB.',
    registers: [deps.metrics],
  });
  const lost = new Counter({
    name: 'notion_mirror_outcomes_lost_total',
    help: 'Outcomes of events missing from `mirror explain`, because MongoDB was unavailable too long. The events themselves are unaffected.',
    registers: [deps.metrics],
  });
  if (retentionMs === 0) return { keep: () => {}, flush: () => Promise.resolve(), stop: () => Promise.resolve() };

  const outcomes = deps.db.collection<OutcomeDocument>(collectionNames.eventOutcomes, { writeConcern: { w: 1 } });
  const stopping = new AbortController();
  let waiting: OutcomeDocument[] = [];
  let wake: (() => void) | null = null;
  /** Outcomes handed over so far. They are handled in order, so all of these except the waiting ones are written or lost. */
  let handedOver = 0;
  let flushUpTo = 0;
  let resting = new AbortController();
  let batchEnded = Promise.withResolvers<void>();
  const gauge = new Gauge({
    name: 'notion_mirror_outcomes_waiting',
    help: 'Outcomes of events waiting to be written to MongoDB.',
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

  /** False: MongoDB is unavailable, and the outcomes keep waiting. */
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
        logger.warn({ err: error, outcomes: batch.length }, 'cannot write outcomes; retrying');
        return false;
      }
      // Either an attempt that seemed to fail had written some, or one of them can never be written.
      (isThere ? kept : lost).inc(batch.length);
    }
    // By identity, since overflow may have dropped some of the batch from the front meanwhile.
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
      waiting.push(outcomeDocument(outcome, new Date(outcome.at.getTime() + retentionMs)));
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
      await settlesBefore(flushed, Date.now() + deadlineMs);
      lost.inc(waiting.length);
    },
  };
}

/** Stores the outcome of a record that became a dead letter. A record that is not an event gets none: the letter itself says more. */
export function keepDeadRecord(
  { keep }: Pick<OutcomeKeeper, 'keep'>,
  service: EventOutcome['service'],
  dead: {
    readonly record: {
      readonly partition: number;
      readonly offset: bigint;
      readonly timestamp: number;
      readonly headers: Readonly<Record<string, string>>;
    };
    readonly event: DatabaseEvent | null;
    readonly failure: NonNullable<EventOutcome['failure']>;
    readonly attempts: number;
  },
): void {
  const { record, event, failure, attempts } = dead;
  if (event === null) return;
  const { class: errorClass, code, message } = failure;
  const about = { attempts, failure: { class: errorClass, code, message: message.slice(0, 1_000).toWellFormed() } };
  const trace = traceFieldsOf(readTraceparent(record.headers['traceparent']));
  keep({ ...outcomeOf(service, event, record), ...trace, ...about, outcome: 'dead_letter', reason: code, at: new Date() });
}
