import type { DatabaseEvent } from '@notion-mirror/domain/database-event';

/** An event inside a document. Versions before rows stored no `pageId`. */
export type StoredEvent = Omit<DatabaseEvent, 'pageId' | 'trace'> &
  Partial<Pick<DatabaseEvent, 'pageId'>> & { readonly trace?: string | null };

export function storedEvent(event: DatabaseEvent): StoredEvent {
  return { ...event, trace: event.trace ?? null };
}

export function eventIn(stored: StoredEvent): DatabaseEvent {
  return { ...stored, pageId: stored.pageId ?? null, trace: stored.trace ?? undefined };
}
