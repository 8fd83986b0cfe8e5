import { noWayKnown, type EventOutcome } from '@notion-mirror/mirror-store/event-outcomes';
import { traceFieldsOf } from '@notion-mirror/service-kit/tracing/trace-context';
import type { IgnoreReason } from './answers.ts';
import type { Route } from './webhook-body.ts';

/** A signed event that is not appended. Fields missing from its body are null. */
export interface IgnoredEvent {
  readonly route: Route;
  readonly eventId: string | null;
  readonly type: string;
  readonly reason: IgnoreReason;
  readonly connectionId: string | null;
  readonly databaseId: string | null;
  readonly dataSourceId: string | null;
  readonly pageId: string | null;
  readonly occurredAt: Date | null;
  readonly receivedAt: Date;
  readonly trace: string;
}

/** Most events of a busy workspace are about pages. Limits the stored events per second that say nothing about a database. */
const numerous: ReadonlySet<IgnoreReason> = new Set(['unsupported_event_type', 'rows_not_ready']);
const numerousPerSecond = 20;
const longestType = 100;

/** Stores why an event was ignored, for `mirror explain`. Never waits, never throws. */
export function keepIgnoredEvents(keep: (outcome: EventOutcome) => void): (event: IgnoredEvent) => void {
  let second = 0;
  let left = numerousPerSecond;

  function hasRoom(now: number): boolean {
    if (Math.floor(now / 1000) !== second) {
      second = Math.floor(now / 1000);
      left = numerousPerSecond;
    }
    left -= 1;
    return left >= 0;
  }

  return function keepIgnored({ route, eventId, type, reason, trace, ...event }) {
    const at = new Date();
    if (eventId === null || (numerous.has(reason) && !hasRoom(at.getTime()))) return;
    keep({
      ...noWayKnown,
      ...event,
      service: 'ingress',
      eventId,
      workspaceId: null,
      kind: null,
      type: type.slice(0, longestType).toWellFormed(),
      origin: route,
      outcome: 'ignored',
      reason,
      at,
      ...traceFieldsOf(trace),
    });
  };
}
