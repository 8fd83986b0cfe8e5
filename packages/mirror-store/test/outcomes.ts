import type { EventOutcome } from '../src/event-outcomes.ts';

/** The outcome of a written sync event. */
export function someOutcome(eventId: string, given: Partial<EventOutcome> = {}): EventOutcome {
  return {
    service: 'sync-worker',
    eventId,
    workspaceId: 'acme',
    connectionId: 'c1',
    databaseId: 'd1',
    dataSourceId: null,
    pageId: null,
    kind: 'sync',
    type: 'database.content_updated',
    origin: 'nango',
    occurredAt: new Date(1_000),
    receivedAt: new Date(2_000),
    outcome: 'written',
    reason: null,
    at: new Date(),
    place: { partition: 1, offset: 2, appendedAt: new Date(3_000) },
    waitedMs: 4,
    attempts: 1,
    coalescedInto: null,
    fetch: { requestId: 'r1', calls: 2, ms: 30 },
    record: { databaseId: 'd1', pageId: null, rev: 5, asOf: new Date(4_000), ms: 6 },
    isUnannounced: false,
    state: null,
    failure: null,
    ...given,
  };
}
