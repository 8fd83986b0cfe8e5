import type { DatabaseEvent } from '@notion-mirror/domain/database-event';

/**
 * The sync event that a delete turns into when only a fetch can tell. Its id is derived from the delete's, so that a repeated delete gives
 * the same id; it is received now, since the fetch must begin after the doubt arose.
 */
export function recheckOf(event: DatabaseEvent, receivedAt: Date): DatabaseEvent {
  return { ...event, eventId: `${event.eventId}:recheck`, kind: 'sync', origin: 'recheck', receivedAt };
}
