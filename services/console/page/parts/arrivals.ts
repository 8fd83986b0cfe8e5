import type { EventLine } from '../../src/answers/events.ts';
import type { StreamedOutcomes } from '../../src/answers/stream.ts';

/** `key`: of its row, which stays the same when its outcome comes. Absent: its id. */
export type ArrivedEvent = EventLine & { readonly key?: string };

/** What has arrived since the list was loaded, latest first. `waiting` is not shown yet: the reader is reading. */
export interface Arrivals {
  readonly shown: readonly ArrivedEvent[];
  readonly waiting: readonly ArrivedEvent[];
  /** Arrived while the reader was reading, those that are not kept included. */
  readonly waitingCount: number;
  /** Those that were not sent, since there were too many. */
  readonly left: number;
}

export const noArrivals: Arrivals = { shown: [], waiting: [], waitingCount: 0, left: 0 };

/** More would make the page heavy after minutes of many events. */
const kept = 300;

/** Shows what arrived, or lets it wait while the list is being read. The outcome of an event that waits takes its place: nothing moves. */
export function arrive(arrived: Arrivals, { events, left, settled = [] }: StreamedOutcomes, isReading: boolean): Arrivals {
  const known = settle(arrived, events, settled);
  const all = [...known.shown, ...known.waiting];
  const ids = new Set(all.map(({ id }) => id));
  const keys = new Set(all.map(eventKey));
  const fresh = events
    .filter((event) => (isWaiting(event) ? !keys.has(eventKey(event)) : !ids.has(event.id)))
    .map((event): ArrivedEvent => (isWaiting(event) ? { ...event, key: eventKey(event) } : event));
  if (fresh.length === 0 && left === 0) return known;
  const missed = known.left + left;
  if (!isReading && known.waiting.length === 0) return { ...known, shown: cut([...fresh, ...known.shown]), left: missed };
  return {
    ...known,
    waiting: cut([...fresh, ...known.waiting]),
    waitingCount: known.waitingCount + fresh.length + left,
    left: missed,
  };
}

function isWaiting({ outcome }: Pick<EventLine, 'outcome'>): boolean {
  return outcome === 'waiting';
}

/** Several tenants can have the same event of Notion's. */
function eventKey({ workspaceId, eventId }: Pick<EventLine, 'workspaceId' | 'eventId'>): string {
  return `${workspaceId ?? ''}:${eventId}`;
}

function settle(known: Arrivals, events: readonly EventLine[], settled: NonNullable<StreamedOutcomes['settled']>): Arrivals {
  const byEvent = new Map(events.flatMap((event) => (isWaiting(event) ? [] : [[eventKey(event), event]])));
  const withOther = new Map(settled.map((event) => [eventKey(event), event.outcome]));
  const isSettled = (event: ArrivedEvent): boolean => isWaiting(event) && (byEvent.has(eventKey(event)) || withOther.has(eventKey(event)));
  if (!known.shown.some(isSettled) && !known.waiting.some(isSettled)) return known;
  const settledOf = (event: ArrivedEvent): ArrivedEvent => {
    if (!isSettled(event)) return event;
    const key = eventKey(event);
    return { ...(byEvent.get(key) ?? { ...event, outcome: withOther.get(key) ?? event.outcome }), key };
  };
  return { ...known, shown: known.shown.map(settledOf), waiting: known.waiting.map(settledOf) };
}

export function showWaiting({ shown, waiting, left }: Arrivals): Arrivals {
  return { shown: cut([...waiting, ...shown]), waiting: [], waitingCount: 0, left };
}

function cut(events: readonly ArrivedEvent[]): readonly ArrivedEvent[] {
  return events.slice(0, kept);
}

/** The arrived and the loaded ones, each once. */
export function together(arrived: readonly ArrivedEvent[], loaded: readonly EventLine[]): readonly ArrivedEvent[] {
  if (arrived.length === 0) return loaded;
  const ids = new Set(arrived.map(({ id }) => id));
  return [...arrived, ...loaded.filter(({ id }) => !ids.has(id))];
}

export interface EventFilter {
  readonly tenant?: string | undefined;
  readonly about?: string | undefined;
  readonly type?: string | undefined;
  readonly outcome?: string | undefined;
  readonly origin?: string | undefined;
  readonly service?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly minMs?: string | undefined;
  readonly needsLook?: string | undefined;
}

/** Whether the list of this filter would have it, as far as a single line shows. Lists that end in the past are not live at all. */
export function fits(event: EventLine, filter: EventFilter): boolean {
  const { tenant, about, minMs } = filter;
  return (
    (tenant === undefined || event.workspaceId === tenant) &&
    (about === undefined || idsOf(event).some((id) => plain(about).includes(plain(id)))) &&
    (filter.needsLook !== '1' || event.needsLook) &&
    (minMs === undefined || event.totalMs >= Number(minMs)) &&
    hasOneOf(event.type, filter.type) &&
    hasOneOf(event.outcome, filter.outcome) &&
    hasOneOf(event.origin, filter.origin) &&
    hasOneOf(event.service, filter.service)
  );
}

function hasOneOf(value: string, wanted: string | undefined): boolean {
  return wanted === undefined || wanted.split(',').includes(value);
}

function idsOf({ eventId, databaseId, dataSourceId, pageId }: EventLine): string[] {
  return [eventId, databaseId, dataSourceId, pageId].filter((id) => id !== null);
}

/** Notion's URLs hold ids without hyphens. */
function plain(text: string): string {
  return text.replaceAll('-', '').toLowerCase();
}
