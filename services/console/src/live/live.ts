import { randomUUID } from 'node:crypto';
import { followOutcomes, type OutcomeFeed } from '@notion-mirror/mirror-store/outcome-feed';
import type { KeptOutcome } from '@notion-mirror/mirror-store/outcome-pages';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import type { Logger } from '@notion-mirror/service-kit/logger';
import { LRUCache } from 'lru-cache';
import type { StreamedOutcomes, StreamedWaiting } from '../answers/stream.ts';
import type { StreamMessage } from '../http/route.ts';
import type { EventViews } from '../views/event-lines.ts';
import type { WaitingEvents } from './waiting-events.ts';

/** New outcomes and appended events for all viewers, from one change stream and one reader of the log, which are open only while there are any. */
export interface Live {
  /** Until `signal` aborts. `workspaceId`: null for all tenants; `lastEventId`: of the last message that was received before the connection broke. */
  outcomes(workspaceId: string | null, lastEventId: string | null, signal: AbortSignal): AsyncGenerator<StreamMessage, void, undefined>;
  close(): Promise<void>;
}

/** Of one message: 200 a second are more than anybody reads. */
const mostShown = 20;
/** Outcomes that are kept for who comes back, and that may wait for a slow reader: 20 s at 200 a second, and some 8 MB. */
const keptOutcomes = 4_000;
/** Events whose outcome has come, and events that were sent as waiting: ids that are remembered. */
const rememberedEvents = 5_000;
/** A reader joins a group, which takes seconds: it stays for who goes on to another page. */
const lingerMs = 15_000;

interface Batch {
  readonly number: number;
  /** Null: some were missed. */
  readonly outcomes: readonly KeptOutcome[] | null;
}

interface Reader {
  push(batch: Batch): void;
  pushWaiting(events: readonly KeptOutcome[]): void;
}

export function createLive(deps: {
  readonly db: Mongo['db'];
  readonly views: EventViews;
  readonly logger: Logger;
  /** Starts a reader at the end of the log; null: none is wanted. */
  readonly followWaiting: ((onEvents: (events: readonly KeptOutcome[]) => void) => WaitingEvents) | null;
}): Live {
  const { db, views, logger, followWaiting } = deps;
  const settled = new LRUCache<string, true>({ max: rememberedEvents });
  const announced = new LRUCache<string, true>({ max: rememberedEvents });
  let log: WaitingEvents | null = null;
  let leaving: NodeJS.Timeout | null = null;
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
        if (news.kind === 'outcomes') for (const outcome of news.outcomes) for (const key of keysOf(outcome)) settled.set(key, true);
        const batch = { number, outcomes: news.kind === 'gap' ? null : news.outcomes };
        kept.push(batch);
        while (kept.length > 1 && sizeOf(kept) > keptOutcomes) kept.shift();
        for (const reader of readers) reader.push(batch);
      },
    });
  }

  function openLog(): void {
    if (leaving !== null) clearTimeout(leaving);
    leaving = null;
    if (followWaiting === null) return;
    log ??= followWaiting((appended) => {
      // The outcome can be faster than the log's reader.
      const events = appended.filter((event) => !settled.has(keyOf(event)));
      for (const event of events) announced.set(keyOf(event), true);
      for (const reader of readers) reader.pushWaiting(events);
    });
  }

  function closeLog(): Promise<void> | undefined {
    if (leaving !== null) clearTimeout(leaving);
    leaving = null;
    settled.clear();
    announced.clear();
    const closing = log;
    log = null;
    return closing?.close();
  }

  async function leave(reader: Reader): Promise<void> {
    readers.delete(reader);
    if (readers.size > 0) return;
    leaving ??= setTimeout(() => void closeLog(), lingerMs).unref();
    if (feed === null) return;
    const closing = feed;
    feed = null;
    await (await closing).close();
    // Of no use to the next one: what comes meanwhile is missing.
    if (feed === null) kept = [];
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
      let appended: KeptOutcome[] = [];
      let isOverflown = false;
      let wake = Promise.withResolvers<void>();
      const reader: Reader = {
        push(batch) {
          if (sizeOf(waiting) > keptOutcomes) {
            waiting = [];
            isOverflown = true;
          }
          waiting.push(batch);
          wake.resolve();
        },
        pushWaiting(events) {
          appended = [...appended, ...events].slice(-mostShown);
          wake.resolve();
        },
      };
      readers.add(reader);
      const isMeant = (outcome: KeptOutcome): boolean => workspaceId === null || outcome.workspaceId === workspaceId;
      const onAbort = () => wake.resolve();
      signal.addEventListener('abort', onAbort, { once: true });
      try {
        openLog();
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
          const started = appended.filter(isMeant);
          appended = [];
          if (started.length > 0) {
            const data: StreamedWaiting = { events: await views.lines(started.toReversed()) };
            yield { event: 'waiting', data };
          }
          const last = batches.at(-1);
          const found = batches
            .flatMap(({ outcomes }) => outcomes ?? [])
            .filter(isMeant)
            .toReversed();
          if (last !== undefined && found.length > 0) {
            // Those that were sent as waiting come first, or they would wait for ever.
            const wereWaiting = found.filter((outcome) => announced.has(keyOf(outcome)));
            const others = found.filter((outcome) => !announced.has(keyOf(outcome))).slice(0, Math.max(0, mostShown - wereWaiting.length));
            const shown = [...wereWaiting, ...others].toSorted((a, b) => b.at.getTime() - a.at.getTime());
            const settledWith = found.flatMap((outcome) =>
              (outcome.others ?? []).flatMap((eventId) => {
                const { workspaceId: tenant, outcome: word } = outcome;
                return announced.has(keyOf({ workspaceId: tenant, eventId })) ? [{ workspaceId: tenant, eventId, outcome: word }] : [];
              }),
            );
            const data: StreamedOutcomes = {
              events: await views.lines(shown),
              left: found.length - shown.length,
              ...(settledWith.length === 0 ? {} : { settled: settledWith }),
            };
            yield { event: 'outcomes', data, id: `${run}/${last.number}` };
          }
          if (waiting.length > 0 || appended.length > 0) continue;
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
      await Promise.all([closing?.then((open) => open.close()), closeLog()]);
    },
  };
}

/** Several tenants can have the same event of Notion's. */
function keyOf({ workspaceId, eventId }: Pick<KeptOutcome, 'workspaceId' | 'eventId'>): string {
  return `${workspaceId ?? ''}:${eventId}`;
}

function keysOf({ workspaceId, eventId, others = [] }: KeptOutcome): string[] {
  return [eventId, ...others].map((id) => keyOf({ workspaceId, eventId: id }));
}

function sizeOf(batches: readonly Batch[]): number {
  return batches.reduce((sum, { outcomes }) => sum + (outcomes?.length ?? 0), 0);
}
