import type { KeptOutcome } from '@notion-mirror/mirror-store/outcome-pages';
import { count, oneLine } from '@notion-mirror/operations/text';
import { table, type Cell, type Colors } from './output.ts';

export function renderEvents(outcomes: readonly KeptOutcome[], hasMore: boolean, colors: Colors): string {
  if (outcomes.length === 0) return 'No such event is kept (see MIRROR_OUTCOME_RETENTION_DAYS).';
  const head = ['AT', 'TENANT', 'ABOUT', 'TYPE', 'OUTCOME', 'TOOK', 'EVENT'].map((text): Cell => ({ text, style: colors.dim }));
  const lines = outcomes.map((outcome): Cell[] => [
    outcome.at.toISOString(),
    oneLine(outcome.workspaceId ?? '–'),
    oneLine(aboutText(outcome)),
    oneLine(outcome.type),
    { text: oneLine(outcomeText(outcome)), style: styleOf(outcome, colors) },
    `${Math.max(0, outcome.at.getTime() - outcome.receivedAt.getTime())} ms`,
    oneLine(outcome.eventId),
  ]);
  const more = hasMore ? `The last ${outcomes.length}; --last shows more.` : `${count(outcomes.length, 'event')}.`;
  return [table([head, ...lines]), more].join('\n');
}

function aboutText({ pageId, databaseId, dataSourceId, record }: KeptOutcome): string {
  return pageId ?? record?.pageId ?? databaseId ?? record?.databaseId ?? dataSourceId ?? '–';
}

function outcomeText({ outcome, reason, failure }: KeptOutcome): string {
  const why = reason ?? failure?.code;
  return why === undefined ? outcome : `${outcome} (${why})`;
}

function styleOf({ outcome, needsLook }: KeptOutcome, colors: Colors): Colors['green'] | undefined {
  if (outcome === 'dead_letter') return colors.red;
  return needsLook === true ? colors.yellow : undefined;
}
