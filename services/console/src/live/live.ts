import { randomUUID } from 'node:crypto';
import { followOutcomes, type OutcomeFeed } from '@notion-mirror/mirror-store/outcome-feed';
import type { KeptOutcome } from '@notion-mirror/mirror-store/outcome-pages';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import type { Logger } from '@notion-mirror/service-kit/logger';
import type { StreamedOutcomes } from '../answers/stream.ts';
import type { StreamMessage } from '../http/route.ts';
import type { EventViews } from '../views/event-lines.ts';

/** New outcomes for all viewers, from one change stream, which is open only while there are any. */
export interface Live {
  /** Until `signal` aborts. `workspaceId`: null for all tenants; `lastEventId`: of the last message that was received before the connection broke. */
  outcomes(workspaceId: string | null, lastEventId: string | null, signal: AbortSignal): AsyncGenerator<StreamMessage, void, undefined>;
  close(): Promise<void>;
}

/** Of one message: 200 a second are more than anybody reads. */
const mostShown = 20;
/** Batches that are kept for who comes back, and that may wait for a slow reader. */
const keptBatches = 300;

interface Batch {
  readonly number: number;
  /** Null: some were missed. */
  readonly outcomes: readonly KeptOutcome[] | null;
}

interface Reader {
  push(batch: Batch): void;
}

export function createLive(deps: { readonly db: Mongo['db']; readonly views: EventViews; readonly logger: Logger }): Live {
  const { db, views, logger } = deps;
  const readers = new Set<Reader>();
  let run = randomUUID();
  let number = 0;
  let kept: Batch[] = [];
  let feed: Promise<OutcomeFeed> | null = null;

  function openFeed(): Promise<OutcomeFeed> {
    // What was missed without viewers is not known.
    run = randomUUID();
    kept = [];
    return followOutcomes({
      db,
      logger,
      onNews(news) {
        number += 1;
        const batch = { number, outcomes: news.kind === 'gap' ? null : news.outcomes };
        kept.push(batch);
        if (kept.length > keptBatches) kept.shift();
        for (const reader of readers) reader.push(batch);
      },
    });
  }

  async function leave(reader: Reader): Promise<void> {
    readers.delete(reader);
    if (readers.size > 0 || feed === null) return;
    const closing = feed;
    feed = null;
    await (await closing).close();
  }

  /** The batches after that message; null: they are not known. */
  function missedSince(lastEventId: string): Batch[] | null {
    const [of, text] = lastEventId.split('/');
    const last = Number(text);
    const [first] = kept;
    if (of !== run || !Number.isSafeInteger(last)) return null;
    if (last >= number) return [];
    return first !== undefined && first.number <= last + 1 ? kept.filter((batch) => batch.number > last) : null;
  }

  return {
    async *outcomes(workspaceId, lastEventId, signal) {
      let waiting: Batch[] = [];
      let isOverflown = false;
      let wake = Promise.withResolvers<void>();
      const reader: Reader = {
        push(batch) {
          if (waiting.length >= keptBatches) {
            waiting = [];
            isOverflown = true;
          }
          waiting.push(batch);
          wake.resolve();
        },
      };
      readers.add(reader);
      const onAbort = () => wake.resolve();
      signal.addEventListener('abort', onAbort, { once: true });
      try {
        feed ??= openFeed();
        await feed;
        const missed = lastEventId === null ? [] : missedSince(lastEventId);
        if (missed === null) isOverflown = true;
        else waiting = [...missed, ...waiting.filter((batch) => !missed.includes(batch))];
        // Tells the browser that it follows, and where.
        yield { event: 'outcomes', data: { events: [], left: 0 } satisfies StreamedOutcomes, id: `${run}/${number - waiting.length}` };
        while (!signal.aborted) {
          const batches = waiting;
          waiting = [];
          if (isOverflown || batches.some(({ outcomes }) => outcomes === null)) yield { event: 'gap', data: {} };
          isOverflown = false;
          const last = batches.at(-1);
          const found = batches
            .flatMap(({ outcomes }) => outcomes ?? [])
            .filter((outcome) => workspaceId === null || outcome.workspaceId === workspaceId)
            .toReversed();
          if (last !== undefined && found.length > 0) {
            const events = await views.lines(found.slice(0, mostShown));
            const data: StreamedOutcomes = { events, left: found.length - events.length };
            yield { event: 'outcomes', data, id: `${run}/${last.number}` };
          }
          if (waiting.length > 0) continue;
          await wake.promise;
          wake = Promise.withResolvers<void>();
        }
      } finally {
        signal.removeEventListener('abort', onAbort);
        await leave(reader);
      }
    },
    async close() {
      const closing = feed;
      feed = null;
      await (await closing)?.close();
    },
  };
}
