import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@notion-mirror/service-kit/logger';
import type { Db } from 'mongodb';
import { openCollection } from './collections.ts';
import type { OutcomeDocument } from './event-outcomes.ts';
import { keepFollowing } from './keep-following.ts';
import type { KeptOutcome } from './outcome-pages.ts';

/** New outcomes as they are written. `gap`: some were missed, since MongoDB was unavailable. */
export type OutcomeNews = { readonly kind: 'outcomes'; readonly outcomes: readonly KeptOutcome[] } | { readonly kind: 'gap' };

export interface OutcomeFeed {
  close(): Promise<void>;
}

/** How often what has arrived is passed on, ms. */
const batchMs = 100;

/** Follows new outcomes by one change stream until it is closed. Resolves when it is open; never rejects: it retries, and passes a `gap` when it is back. */
export async function followOutcomes(deps: {
  readonly db: Db;
  readonly logger: Logger;
  readonly onNews: (news: OutcomeNews) => void;
}): Promise<OutcomeFeed> {
  const { logger, onNews } = deps;
  const outcomes = openCollection<OutcomeDocument>(deps.db, 'eventOutcomes');
  const closing = new AbortController();
  const { signal } = closing;
  const opened = Promise.withResolvers<void>();

  async function follow(onOpen: () => void, isFirst: boolean): Promise<void> {
    const onlyNew = [{ $match: { operationType: 'insert' } }, { $project: { 'fullDocument.subjects': 0, 'fullDocument.expiresAt': 0 } }];
    const stream = outcomes.watch(onlyNew, { maxAwaitTimeMS: 1_000, batchSize: 500, comment: 'console' });
    signal.addEventListener('abort', () => void stream.close().catch(() => {}), { once: true });
    try {
      let batch: KeptOutcome[] = [];
      // The first request opens the stream.
      let change = await stream.tryNext();
      onOpen();
      if (!isFirst) onNews({ kind: 'gap' });
      opened.resolve();
      for (; !signal.aborted; change = await stream.tryNext()) {
        if (change?.operationType === 'insert') {
          const { _id, ...outcome } = change.fullDocument;
          batch.push({ id: _id.toHexString(), ...outcome });
        }
        if (stream.bufferedCount() > 0 || batch.length === 0) continue;
        onNews({ kind: 'outcomes', outcomes: batch });
        batch = [];
        await delay(batchMs, undefined, { signal });
      }
    } finally {
      await stream.close().catch(() => {});
    }
  }

  const running = keepFollowing(signal, follow, (error) => {
    if (signal.aborted) return;
    logger.warn({ err: error }, 'cannot follow outcomes; retrying');
    opened.resolve();
  });
  await opened.promise;
  return {
    async close() {
      closing.abort();
      await running;
    },
  };
}
