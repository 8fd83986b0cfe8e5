import { setTimeout as delay } from 'node:timers/promises';
import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import { abortScope } from '@notion-mirror/service-kit/async/abort-scope';

type EventName = Pick<DatabaseEvent, 'workspaceId' | 'eventId'>;

/** `handled`: it has an outcome. `failing`: its first attempt failed, and its lane retries. `unknown`: neither happened in time. */
export type EventEnd = 'handled' | 'failing' | 'unknown';

/** Lets the code that appends an event wait until this worker has handled it. */
export interface AwaitedEvents {
  /**
   * Resolves when the event is on the log and has an outcome here or has failed once, after `longestWaitMs` at the latest, or when `signal` aborts.
   * Rejects with the error of `append`.
   */
  appendAndWait(event: DatabaseEvent, signal: AbortSignal): Promise<EventEnd>;
  /** Ends the wait for an event, if there is one. */
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
      // Before the append, since the outcome may arrive before the acknowledgement.
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

/** Two tenants may have events with the same id. */
function nameOf({ workspaceId, eventId }: EventName): string {
  return `${workspaceId}:${eventId}`;
}
