import type { EventOutcome } from '@notion-mirror/mirror-store/event-outcomes';
import { oneLine } from '../text.ts';
import type { Cause } from './causes.ts';
import type { ExplainFacts, TenantFacts } from './facts.ts';
import type { RowFacts } from './row-facts.ts';

const minuteMs = 60_000;
const templatePage =
  'It is a template page: not listed by two complete scans of its data source, so it is no row of the table, and readers do not see it.';

/**
 * What the data source and the database of a row say about why the mirror does not show it as Notion does, most specific first. `pageId`: the row's.
 */
export function causesOfRow({ workspaceId, record, row }: TenantFacts, { rows, outcomes }: ExplainFacts, pageId: string): Cause[] {
  if (row === null) return [];
  const isLive = record?.live === true;
  if (record?.isListed === false) return [{ code: 'template_page', workspaceId, text: templatePage, remedy: null }];
  const found = [
    ...(isLive ? [] : homeless(row, workspaceId)),
    ...(isLive || row.dataSourceId === null ? [] : notKept(row, row.dataSourceId, rows)),
    ...ofScan(
      row,
      isLive,
      pageId,
      outcomes.filter((outcome) => outcome.workspaceId === workspaceId),
    ),
  ];
  return found.map((cause) => ({ workspaceId, ...cause }));
}

type RowCause = Omit<Cause, 'workspaceId'>;

/** The database, or its data source, is not mirrored. */
function homeless({ databaseId, dataSourceId, database }: RowFacts, workspaceId: string): RowCause[] {
  if (databaseId === null || dataSourceId === null) return [];
  const remedy = `mirror explain ${databaseId} --workspace-id ${oneLine(workspaceId)}`;
  const code = 'database_not_mirrored';
  if (database === null) return [{ code, text: `It is in the database ${databaseId}, which the mirror does not have.`, remedy }];
  if (!database.live)
    return [{ code, text: `Its database ${databaseId} is not in the mirror any more, and its rows went with it.`, remedy }];
  if (database.hasSource) return [];
  const text = `Its database ${databaseId} does not list its data source ${dataSourceId} in the mirror.`;
  return [{ code, text, remedy }];
}

/** The mirror does not keep the rows of the data source up to date. */
function notKept({ database, contents }: RowFacts, dataSourceId: string, rows: 'on' | 'off'): RowCause[] {
  if (rows === 'off') {
    const text = 'Rows are not mirrored: MIRROR_ROWS is off here.';
    return [{ code: 'rows_off', text, remedy: 'set MIRROR_ROWS=on for every service' }];
  }
  if (contents?.state === 'off') {
    const text = `An operator turned the rows of its data source ${dataSourceId} off.`;
    return [{ code: 'rows_off', text, remedy: `mirror rows on ${dataSourceId}` }];
  }
  if (contents === null && database?.hasSource === true) {
    const text = `The mirror has not begun with the rows of its data source ${dataSourceId}: it does after the next comparison of the tenant with Notion.`;
    return [{ code: 'scan_unfinished', text, remedy: 'mirror reconcile run <tenant>' }];
  }
  return [];
}

/** What the scans of the data source have not done, or could not do. */
function ofScan({ createdTime, contents }: RowFacts, isLive: boolean, pageId: string, outcomes: readonly EventOutcome[]): RowCause[] {
  if (contents === null || contents.state === 'off') return [];
  const { dataSourceId, state, scan, completeAsOf, truncated, reason } = contents;
  const remedy = `mirror rows status ${dataSourceId}`;
  const causes: RowCause[] = [];
  const failed = scan?.failed.find((one) => one.pageId === pageId);
  if (failed !== undefined || reason?.includes(pageId) === true) {
    const text = `A scan of its data source could not write it: ${oneLine(failed?.because ?? reason ?? '')}.`;
    causes.push({ code: 'row_not_written', text, remedy });
  }
  const [latest] = outcomes;
  if (latest?.outcome === 'deferred' && latest.reason === 'scan_wanted' && !isAnswered(contents, latest.at)) {
    const text = `Many events of its data source waited at once, so the event ${latest.eventId} was left to a scan, which has not ended yet.`;
    causes.push({ code: 'deferred', text, remedy });
  }
  if (isLive) return causes;
  const unread = createdTime === null ? undefined : truncated.find(({ minute }) => isWithin(minute, createdTime));
  if (unread !== undefined) {
    const minute = `${unread.minute.toISOString().slice(0, 16)}Z`;
    const text = `More rows were created in its minute ${minute} than the ${unread.atLeast} that Notion returns, so scans do not find it; an event would.`;
    causes.push({ code: 'truncated_minute', text, remedy: 'edit the row in Notion' });
  }
  if (state === 'scanning' && completeAsOf === null) {
    const since = scan === null ? 'waits for a worker' : `has been at work since ${scan.startedAt.toISOString()}`;
    causes.push({
      code: 'scan_unfinished',
      text: `The mirror does not have all rows of its data source ${dataSourceId} until a scan has ended: it ${since}.`,
      remedy,
    });
  } else if (state === 'incomplete' && causes.length === 0) {
    const text = `The mirror does not have all rows of its data source ${dataSourceId}: ${oneLine(reason ?? 'unknown')}.`;
    causes.push({ code: 'rows_incomplete', text, remedy });
  }
  return causes;
}

/** Whether a scan began after the event was deferred, and has ended. */
function isAnswered({ last }: NonNullable<RowFacts['contents']>, deferredAt: Date): boolean {
  return last !== null && last.startedAt > deferredAt;
}

function isWithin(minute: Date, time: Date): boolean {
  return minute <= time && time.getTime() < minute.getTime() + minuteMs;
}
