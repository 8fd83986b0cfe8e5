import { setTimeout as delay } from 'node:timers/promises';
import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import { abortScope } from '@notion-mirror/service-kit/async/abort-scope';

type EventName = Pick<DatabaseEvent, 'workspaceId' | 'eventId'>;

/** `handled`: it has an outcome. `failing`: its first try has failed, and its lane tries again. `unknown`: neither was heard of. */
export type EventEnd = 'handled' | 'failing' | 'unknown';

/** Lets the one that appends an event wait for what this worker makes of it. */
export interface AwaitedEvents {
  /**
   * Resolves when the event is on the log and has an outcome here or has failed once, after `longestWaitMs` at the latest, or when `signal` aborts. Rejects with
   * what `append` rejects with.
   */
  appendAndWait(event: DatabaseEvent, signal: AbortSignal): Promise<EventEnd>;
  /** What became of an event; whatever waits for it goes on. */
  settle(event: EventName, end: Exclude<EventEnd, 'unknown'>): void;
}

export function createAwaitedEvents(deps: {
  readonly append: (event: DatabaseEvent) => Promise<void>;
  readonly longestWaitMs: number;
}): AwaitedEvents {
  const waiting = new Map<string, (end: EventEnd) => void>();
  return {
    async appendAndWait(event, signal) {
      const name = nameOf(event);
      let ended: EventEnd = 'unknown';
      using waitingFor = abortScope(signal);
      // Before the append: the outcome may be here before the acknowledgement.
      waiting.set(name, (end) => {
        ended = end;
        waitingFor.abort();
      });
      const settled = delay(deps.longestWaitMs, undefined, { signal: waitingFor.signal }).catch(() => {});
      try {
        await deps.append(event);
        await settled;
        return ended;
      } finally {
        waiting.delete(name);
        waitingFor.abort();
      }
    },
    settle: (event, end) => waiting.get(nameOf(event))?.(end),
  };
}

/** Two tenants may have the same event. */
function nameOf({ workspaceId, eventId }: EventName): string {
  return `${workspaceId}:${eventId}`;
}
