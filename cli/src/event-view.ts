import type { outcomeJson } from '@notion-mirror/operations/events/outcome-json';
import { count, oneLine } from '@notion-mirror/operations/text';
import { table, type Cell, type Colors } from './output.ts';

type EventLine = ReturnType<typeof outcomeJson>;

export function renderEvents(events: readonly EventLine[], hasMore: boolean, colors: Colors): string {
  if (events.length === 0) return 'No such event is kept (see MIRROR_OUTCOME_RETENTION_DAYS).';
  const head = ['AT', 'TENANT', 'ABOUT', 'TYPE', 'OUTCOME', 'TOOK', 'EVENT'].map((text): Cell => ({ text, style: colors.dim }));
  const lines = events.map((event): Cell[] => [
    event.at,
    oneLine(event.workspaceId ?? '–'),
    oneLine(event.pageId ?? event.databaseId ?? event.dataSourceId ?? '–'),
    oneLine(event.type),
    { text: oneLine(outcomeText(event)), style: styleOf(event, colors) },
    `${event.totalMs} ms`,
    oneLine(event.eventId),
  ]);
  const more = hasMore ? `The last ${events.length}; --last shows more.` : `${count(events.length, 'event')}.`;
  return [table([head, ...lines]), more].join('\n');
}

function outcomeText({ outcome, reason, failure }: EventLine): string {
  const why = reason ?? failure?.code;
  return why === undefined ? outcome : `${outcome} (${why})`;
}

function styleOf({ outcome, needsLook }: EventLine, colors: Colors): Colors['green'] | undefined {
  if (outcome === 'dead_letter') return colors.red;
  return needsLook ? colors.yellow : undefined;
}
