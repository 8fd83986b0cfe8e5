import type { DataSourceContents, DataSourceRef } from '@notion-mirror/mirror-store/data-source-contents';
import { createDueQueue } from '@notion-mirror/service-kit/async/due-queue';
import type { Logger } from '@notion-mirror/service-kit/logger';

/** Scans of data sources of which many rows may have changed with others: the first at once, the next an hour later at the earliest. */
export interface DependencyScans {
  /** Wants a scan, now or when the hour has passed. Rejects with a `StoreUnavailableError`. */
  want(source: DataSourceRef): Promise<void>;
  /** Wants those that are still to come, each for when its hour has passed. Never rejects. */
  stop(): Promise<void>;
}

const hourMs = 3_600_000;
const mostSources = 10_000;

interface LastScan {
  readonly source: DataSourceRef;
  /** When the next one may begin, epoch ms. */
  readonly nextAt: number;
  /** Rows have changed since. */
  isWantedAgain: boolean;
}

/**
 * `scanAfterMs`: how long after a change a scan sees it. A killed process forgets the scans that are still to come; the data source's next regular scan
 * then finds what has changed.
 */
export function createDependencyScans(deps: {
  readonly contents: Pick<DataSourceContents, 'want'>;
  readonly scanAfterMs: number;
  readonly now: () => number;
  readonly logger: Logger;
}): DependencyScans {
  const { contents, scanAfterMs, now, logger } = deps;
  const last = createDueQueue<LastScan>({
    delayMs: hourMs,
    most: mostSources,
    now,
    onDue: ({ source, isWantedAgain }) => {
      if (isWantedAgain)
        want(source).catch((error: unknown) =>
          logger.warn({ err: error }, 'a scan of rows that depend on others is left to the next regular one'),
        );
    },
  });

  async function wantAfter(source: DataSourceRef, earliest: number): Promise<void> {
    const dueAt = new Date(Math.max(now() + scanAfterMs, earliest));
    await contents.want(source, { reasons: ['dependency'], depth: 'all', at: new Date(now()), raisesAll: false, dueAt });
  }

  async function want(source: DataSourceRef): Promise<void> {
    const name = `${source.workspaceId}:${source.dataSourceId}`;
    const running = last.get(name);
    if (running !== undefined) {
      running.isWantedAgain = true;
      return;
    }
    await wantAfter(source, 0);
    last.add(name, { source, nextAt: now() + hourMs, isWantedAgain: false });
  }

  return {
    want,
    async stop() {
      const left = last.drain().filter(({ isWantedAgain }) => isWantedAgain);
      await Promise.allSettled(left.map(({ source, nextAt }) => wantAfter(source, nextAt)));
    },
  };
}
