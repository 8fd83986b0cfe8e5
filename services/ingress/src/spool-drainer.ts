import { setTimeout as delay } from 'node:timers/promises';
import { PublishError, type Publisher } from '@notion-mirror/event-log/publisher';
import type { Spool, SpooledRecord } from '@notion-mirror/mirror-store/spool';
import { settlesBefore } from '@notion-mirror/service-kit/async/deadline';
import type { Logger } from '@notion-mirror/service-kit/logger';
import type { IngressMetrics } from './ingress-metrics.ts';
import { occasionally } from './occasionally.ts';

export interface SpoolDrainer {
  /** Records in the spool at the last count; null while MongoDB is unavailable. */
  waiting(): number | null;
  stop(): Promise<void>;
}

export interface DrainDependencies {
  readonly publisher: Pick<Publisher, 'publish' | 'healthy'>;
  readonly spool: Pick<Spool, 'oldest' | 'remove' | 'count'>;
  readonly metrics: IngressMetrics;
  readonly logger: Logger;
  /** Pause before the next read of a spool that is empty or cannot be drained now. */
  readonly pauseMs: number;
  readonly batchSize: number;
}

const maxRefused = 100;
const stopMs = 1_500;

/**
 * Publishes spooled records, oldest first, and removes exactly those the log has acknowledged. Every ingress instance runs one; publishing
 * the same record twice is safe, since a duplicate event changes nothing. So is late order (the write rule).
 */
export function startSpoolDrainer(deps: DrainDependencies): SpoolDrainer {
  const { publisher, spool, metrics, logger } = deps;
  const stopping = new AbortController();
  const logRefused = occasionally(60_000);
  let waiting: number | null = null;

  let countedAt = -Infinity;
  /** Ids of records that the log refuses for now, so that they do not block the rest. */
  const refused = new Set<string>();

  async function publish(record: SpooledRecord): Promise<boolean> {
    try {
      await publisher.publish(record);
      return true;
    } catch (error) {
      if (!(error instanceof PublishError)) throw error;
      if (error.reason === 'refused' && refused.size < maxRefused) refused.add(record.id);
      return false;
    }
  }

  /** Whether to continue at once. */
  async function drainSome(): Promise<boolean> {
    // While the log is unavailable a single record probes whether it has recovered.
    const oldest = await spool.oldest((publisher.healthy() ? deps.batchSize : 1) + refused.size);
    const batch = oldest.filter(({ id }) => !refused.has(id));
    const alreadyRefused = refused.size;
    const published = await Promise.all(batch.map(publish));
    const done = batch.filter((_record, index) => published[index] === true);
    if (done.length > 0) {
      await spool.remove(done.map((record) => record.id));
      metrics.drained.inc(done.length);
      logger.info({ drained: done.length }, 'spooled events are on the log');
    }
    const progressed = done.length > 0 || refused.size > alreadyRefused;
    if (!progressed && refused.size > 0) {
      logRefused((skipped) => logger.error({ skipped, refused: refused.size }, 'Kafka refuses spooled records; they stay in the spool'));
      refused.clear();
    }
    if (performance.now() - countedAt >= deps.pauseMs) {
      waiting = await spool.count();
      countedAt = performance.now();
    }
    return progressed;
  }

  async function run(): Promise<void> {
    let isUnavailable = false;
    while (!stopping.signal.aborted) {
      let goOn = false;
      try {
        goOn = await drainSome();
        isUnavailable = false;
      } catch (error) {
        waiting = null;
        if (!isUnavailable) logger.warn({ err: error }, 'cannot drain the spool; retrying');
        isUnavailable = true;
      }
      if (!goOn) await delay(deps.pauseMs, undefined, { signal: stopping.signal }).catch(() => {});
    }
  }

  const running = run();
  return {
    waiting: () => waiting,
    async stop() {
      stopping.abort();
      // Does not wait for a hanging MongoDB: records still in the spool are drained after the next start.
      await settlesBefore(running, Date.now() + stopMs);
    },
  };
}
