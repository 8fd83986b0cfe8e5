import type { DatabaseEvent } from '@notion-mirror/domain/database-event';

/**
 * The sync event for a delete that only a fetch can decide. Its id is derived from the delete's, so that a repeated delete gives
 * the same id. It counts as received now, since the fetch must begin after the delete was handled.
 */
export function recheckOf(event: DatabaseEvent, receivedAt: Date): DatabaseEvent {
  const kind = event.kind === 'row_delete' ? 'row_sync' : 'sync';
  return { ...event, eventId: `${event.eventId}:recheck`, kind, origin: 'recheck', receivedAt };
}
