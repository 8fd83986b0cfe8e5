import type { OutgoingRecord } from '@notion-mirror/event-log/event-record';
import { PublishError, type Publisher } from '@notion-mirror/event-log/publisher';
import type { Spool } from '@notion-mirror/mirror-store/spool';
import type { Logger } from '@notion-mirror/service-kit/logger';
import { withDeadline } from '@notion-mirror/service-kit/async/deadline';
import type { IngressMetrics } from './ingress-metrics.ts';
import { occasionally } from './occasionally.ts';

/** Where records are durable. `spool`: at least one waits in MongoDB for the log to recover. `nowhere`: some are stored in neither. */
export type AppendResult = 'log' | 'spool' | 'nowhere';

export interface AppendDependencies {
  readonly publisher: Pick<Publisher, 'publish' | 'healthy'>;
  readonly spool: Pick<Spool, 'store'>;
  readonly metrics: IngressMetrics;
  readonly logger: Logger;
  readonly spoolDeadlineMs: number;
  /** Maximum spool writes in flight, including those whose request has given up. Beyond it records are refused instead of piling up. */
  readonly maxSpooling: number;
  readonly maxSpoolingBytes: number;
}

/**
 * The promise behind every 200: each record is on the log (acks=all) or in the spool (w: majority). Takes at most the publisher's
 * deadline plus the spool's; while the log is known to be unavailable, only the spool's. After `nowhere` some records may still be durable:
 * the sender retries, and workers handle a duplicate safely.
 */
export function createAppender(deps: AppendDependencies): (records: readonly OutgoingRecord[]) => Promise<AppendResult> {
  const { publisher, spool, metrics, logger } = deps;
  const logFailure = occasionally(10_000);
  let spooling = 0;
  let spoolingBytes = 0;

  async function publish(record: OutgoingRecord): Promise<boolean> {
    try {
      await publisher.publish(record);
      return true;
    } catch (error) {
      if (!(error instanceof PublishError)) throw error;
      // Still spooled: the broker may accept the record once the cause (e.g. a missing topic) is fixed.
      if (error.reason === 'refused') logger.error({ err: error, topic: record.topic }, 'Kafka refuses a record; spooling it');
      return false;
    }
  }

  async function store(record: OutgoingRecord): Promise<boolean> {
    const bytes = record.value.length;
    if (spooling >= deps.maxSpooling || spoolingBytes + bytes > deps.maxSpoolingBytes) return false;
    spooling += 1;
    spoolingBytes += bytes;
    const stored = spool.store(record).finally(() => {
      spooling -= 1;
      spoolingBytes -= bytes;
    });
    try {
      await withDeadline(stored, { ms: deps.spoolDeadlineMs });
      metrics.spooled.inc();
      return true;
    } catch (error) {
      logFailure((skipped) => logger.warn({ err: error, skipped }, 'cannot write to the spool'));
      return false;
    }
  }

  async function keep(records: readonly OutgoingRecord[]): Promise<AppendResult> {
    const published = publisher.healthy() ? await Promise.all(records.map(publish)) : [];
    const left = records.filter((_record, index) => published[index] !== true);
    if (left.length === 0) return 'log';
    const stored = await Promise.all(left.map(store));
    return stored.includes(false) ? 'nowhere' : 'spool';
  }

  return async function append(records) {
    const startedAt = performance.now();
    const result = await keep(records);
    metrics.appendSeconds.observe({ to: result }, (performance.now() - startedAt) / 1000);
    return result;
  };
}
