import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import { actionOf } from '@notion-mirror/domain/database-event';
import { followEnd } from '@notion-mirror/event-log/end-follower';
import type { LogRecord } from '@notion-mirror/event-log/log-record';
import { readerGroupId, topicsFor } from '@notion-mirror/event-log/topics';
import { outcomeOf } from '@notion-mirror/mirror-store/event-outcomes';
import type { KeptOutcome } from '@notion-mirror/mirror-store/outcome-pages';
import type { OperationContext } from '@notion-mirror/operations/operation-context';
import { eventCodecOf, type Kafka } from '@notion-mirror/operations/servers';

export interface WaitingEvents {
  close(): Promise<void>;
}

/** How often what was appended is passed on, ms, and how many of it: the latest. */
const batchMs = 100;
const mostPassed = 20;

/**
 * Events that are appended to the log from now on, as outcomes that have not come: `waiting`, with the event's id in place of the outcome's. While Kafka or the
 * registry is unavailable, none come.
 */
export function followWaitingEvents(
  context: OperationContext,
  kafka: Kafka,
  onEvents: (events: readonly KeptOutcome[]) => void,
): WaitingEvents {
  const { topicPrefix } = context.config;
  let codec: ReturnType<typeof eventCodecOf> | null = null;
  let records: LogRecord[] = [];
  let isClosed = false;
  let timer: NodeJS.Timeout | null = null;

  const follower = followEnd({
    kafka,
    topic: topicsFor(topicPrefix).events,
    groupId: readerGroupId(topicPrefix),
    logger: context.logger,
    onRecords(more) {
      records = [...records, ...more].slice(-mostPassed);
      timer ??= setTimeout(() => void pass(), batchMs);
    },
  });

  async function pass(): Promise<void> {
    timer = null;
    const batch = records;
    records = [];
    const decoded = await Promise.all(batch.map(waitingOf));
    const events = decoded.filter((event) => event !== null);
    if (!isClosed && events.length > 0) onEvents(events);
  }

  async function waitingOf({ value, partition, offset, timestamp }: LogRecord): Promise<KeptOutcome | null> {
    if (value === null) return null;
    try {
      codec ??= eventCodecOf(context);
      const decoded = await (await codec).decode(value);
      return decoded.kind === 'event' ? waiting(decoded.event, { partition, offset, timestamp }) : null;
    } catch (error) {
      codec = null;
      context.logger.debug({ err: error }, 'cannot read a record of the log');
      return null;
    }
  }

  return {
    async close() {
      isClosed = true;
      if (timer !== null) clearTimeout(timer);
      await follower.close();
    },
  };
}

function waiting(
  event: DatabaseEvent,
  place: { readonly partition: number; readonly offset: bigint; readonly timestamp: number },
): KeptOutcome {
  const service = actionOf(event.kind) === 'sync' ? 'sync-worker' : 'delete-worker';
  return { ...outcomeOf(service, event, place), id: event.eventId, outcome: 'waiting', reason: null, at: new Date(place.timestamp) };
}
