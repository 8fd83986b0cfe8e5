import type { JsonObject } from '@notion-mirror/domain/database-content';
import type { SourceContents } from '@notion-mirror/mirror-store/contents-reports';
import { sourceJson, summaryJson } from '@notion-mirror/operations/rows/contents-json';
import type { NamedSource, RowStatus } from '@notion-mirror/operations/rows/row-status';
import type { RowsOffPlan } from '@notion-mirror/operations/rows/turn-rows';
import { count, oneLine } from '@notion-mirror/operations/text';
import { minute, table, type Cell, type Colors } from './output.ts';

export function rowStatusJson({ summary, sources, hasMore }: RowStatus): JsonObject {
  return { summary: summary && summaryJson(summary), dataSources: sources.map(namedSourceJson), hasMore };
}

function namedSourceJson({ title, ...source }: NamedSource): JsonObject {
  return { ...sourceJson(source), database: title?.database ?? null, name: title?.source ?? null };
}

export function renderRowStatus({ summary, sources, hasMore }: RowStatus, colors: Colors): string {
  const parts: string[] = [];
  if (summary !== null) {
    const { states, rows, oldestCompleteAsOf } = summary;
    const words = (['complete', 'scanning', 'incomplete', 'off'] as const).filter((state) => states[state] > 0);
    const all = words.map((state) => `${states[state]} ${state}`).join(', ');
    const since = oldestCompleteAsOf === null ? '' : `; all complete ones as of ${minute(oldestCompleteAsOf)} or later`;
    parts.push(
      `Data sources: ${all === '' ? 'none' : all}. Rows at their last complete scan: ${rows.live}, and ${rows.archived} archived${since}.`,
    );
  }
  if (sources.length > 0) parts.push(renderSources(sources, colors));
  else if (summary === null) parts.push('The mirror follows no rows here.');
  if (hasMore) parts.push(`The first ${sources.length} that are not complete; name a tenant for its own.`);
  return parts.join('\n\n');
}

export function renderSources(sources: readonly (SourceContents & Partial<Pick<NamedSource, 'title'>>)[], colors: Colors): string {
  const header = ['TENANT', 'DATA SOURCE', 'NAME', 'STATE', 'ROWS', 'ARCHIVED', 'COMPLETE AS OF', 'SCAN'].map((text) => ({
    text,
    style: colors.dim,
  }));
  const styles = { complete: colors.green, scanning: colors.cyan, incomplete: colors.yellow, off: colors.dim };
  const lines = sources.map((source): Cell[] => [
    oneLine(source.workspaceId),
    source.dataSourceId,
    source.title === null || source.title === undefined ? '' : oneLine(`${source.title.database} › ${source.title.source}`),
    { text: source.state, style: styles[source.state] },
    String(source.rows?.live ?? '–'),
    String(source.rows?.archived ?? '–'),
    source.completeAsOf === null ? '–' : minute(source.completeAsOf),
    scanWords(source),
  ]);
  const reasons = sources.flatMap(({ dataSourceId, reason, truncated, failures, failure }) => [
    ...(reason === null ? [] : [`${dataSourceId} is incomplete: ${oneLine(reason)}`]),
    ...truncated.map(
      ({ minute: at, atLeast }) => `${dataSourceId}: more than the ${atLeast} rows that Notion returns were created ${minute(at)}`,
    ),
    ...(failures === 0
      ? []
      : [`${dataSourceId}: the scan failed ${failures === 1 ? 'once' : `${failures} times`}: ${oneLine(failure ?? '')}`]),
  ]);
  return [table([header, ...lines]), ...reasons.map((line) => colors.yellow(line))].join('\n');
}

function scanWords({ scan, wanted, dueAt, nextFullAt }: SourceContents): string {
  if (scan !== null) {
    const what = scan.isClaimed ? 'runs' : 'waits for a worker';
    return `${what}, ${count(scan.rows, 'row')} since ${minute(scan.startedAt)} (${scan.wish.reasons.join(', ')})`;
  }
  if (wanted !== null) return `wanted (${wanted.reasons.join(', ')})${dueAt === null ? '' : `, due ${minute(dueAt)}`}`;
  return nextFullAt === null ? '' : `next ${minute(nextFullAt)}`;
}

export function offPlanJson({ source, rows, isOff }: RowsOffPlan): JsonObject {
  const { workspaceId, databaseId, dataSourceId, name } = source;
  return { workspaceId, databaseId, dataSourceId, name, rows: { ...rows }, isOff };
}

export function renderOffPlan({ source, rows, isOff }: RowsOffPlan, colors: Colors): string {
  const name = colors.bold(`${oneLine(source.database)} › ${oneLine(source.name)}`);
  return [
    `${name} of ${oneLine(source.workspaceId)}: ${count(rows.live, 'row')} and ${rows.archived} archived are erased${isOff ? '' : ', its scans end'}, and it stays off.`,
    'The database and its schema stay. mirror rows on scans it again from the beginning.',
  ].join('\n');
}
