import { setTimeout as delay } from 'node:timers/promises';
import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import { abortScope } from '@notion-mirror/notion-source/abort-scope';

type EventName = Pick<DatabaseEvent, 'workspaceId' | 'eventId'>;

/** Lets whoever appends an event wait until this worker is done with it. */
export interface AwaitedEvents {
  /**
   * Resolves when the event is on the log and has an outcome here, after `longestWaitMs` at the latest, or when `signal` aborts. Rejects with
   * what `append` rejects with.
   */
  appendAndWait(event: DatabaseEvent, signal: AbortSignal): Promise<void>;
  /** The event has an outcome; whoever waits for it, if anybody does, goes on. */
  settle(event: EventName): void;
}

export function createAwaitedEvents(deps: {
  readonly append: (event: DatabaseEvent) => Promise<void>;
  readonly longestWaitMs: number;
}): AwaitedEvents {
  const waiting = new Map<string, () => void>();
  return {
    async appendAndWait(event, signal) {
      const name = nameOf(event);
      using waitingFor = abortScope(signal);
      // Before the append: the outcome may be here before the acknowledgement.
      waiting.set(name, () => waitingFor.abort());
      const settled = delay(deps.longestWaitMs, undefined, { signal: waitingFor.signal }).catch(() => {});
      try {
        await deps.append(event);
        await settled;
      } finally {
        waiting.delete(name);
        waitingFor.abort();
      }
    },
    settle: (event) => waiting.get(nameOf(event))?.(),
  };
}

/** Two tenants may have the same event. */
function nameOf({ workspaceId, eventId }: EventName): string {
  return `${workspaceId}:${eventId}`;
}
