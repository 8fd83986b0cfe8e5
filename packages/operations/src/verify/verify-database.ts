import type { Connection } from '@notion-mirror/domain/connection';
import type { EntityRef } from '@notion-mirror/domain/entity';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import { openContentsReports, type SourceContents } from '@notion-mirror/mirror-store/contents-reports';
import { openRowRecords } from '@notion-mirror/mirror-store/entities/row-records';
import { openMirroredDocuments } from '@notion-mirror/mirror-store/records/mirrored-documents';
import { systemClock } from '@notion-mirror/service-kit/async/clock';
import { databases } from '../entities/database.ts';
import { openNotion } from '../notion-access.ts';
import type { OperationContext } from '../operation-context.ts';
import { OperatorError } from '../operator-error.ts';
import { oneLine } from '../text.ts';
import { compareEntities, type Comparison } from './compare-entities.ts';
import { verifySource } from './verify-rows.ts';

export interface CheckedRows {
  readonly dataSourceId: string;
  /** In the mirror. */
  readonly live: number;
  readonly archived: number;
  /** Compared ones; null: none, and `why`. */
  readonly compared: number | null;
  readonly why: string | null;
}

/** Of a database, with its rows where these are few. */
export interface DatabaseCheck extends Comparison {
  readonly rows: readonly CheckedRows[];
  readonly notionCalls: number;
}

/** Of one database. */
const mostSources = 1_000;

/**
 * Compares one database with Notion, and the rows of each of its data sources that has at most `mostRows`, within a budget of its own. `connections`: all of the
 * tenant. Rejects with an OperatorError when none is active, with the store's errors, or with the reason of `signal`.
 */
export async function verifyDatabase(
  context: OperationContext,
  db: Mongo['db'],
  { workspaceId, id }: EntityRef,
  options: {
    readonly connections: readonly Connection[];
    readonly requestsPerMinute: number;
    readonly graceMs: number;
    readonly mostRows: number;
  },
): Promise<DatabaseCheck> {
  const { signal } = context;
  const { connections, graceMs, mostRows } = options;
  const active = connections.filter(({ status }) => status === 'active');
  if (active.length === 0) {
    throw new OperatorError(
      'no_active_connection',
      `the tenant ${oneLine(workspaceId)} has no active connection, so Notion cannot be asked`,
      {
        remedy: `mirror connections list --workspace-id ${oneLine(workspaceId)}`,
      },
    );
  }
  const notion = openNotion(context, connections, options.requestsPerMinute);
  const documents = openMirroredDocuments(db, databases.storage);
  const source = databases.openSource(notion);
  const own = await compareEntities(
    {
      storage: databases.storage,
      read: async (ref) => documents.read(ref),
      fetch: async (ref, attempt, until) => source.fetch(ref, attempt, until),
      clock: systemClock,
      graceMs,
      signal,
      onCompared: () => {},
    },
    workspaceId,
    [id],
  );
  const rows: CheckedRows[] = [];
  const found: Comparison[] = [own];
  for (const contents of await openContentsReports(db).list({ workspaceId, id }, mostSources)) {
    const { live, archived } = await openRowRecords(db).count(contents);
    const why = whyNotCompared(contents, live + archived, mostRows);
    if (why === null) {
      const deps = { context, db, notion, graceMs, onRows: () => {}, onSource: () => {} };
      const checked = await verifySource(deps, contents, active);
      found.push(checked);
      rows.push({ dataSourceId: contents.dataSourceId, live, archived, compared: checked.compared, why });
    } else rows.push({ dataSourceId: contents.dataSourceId, live, archived, compared: null, why });
  }
  return {
    compared: found.reduce((sum, { compared }) => sum + compared, 0),
    differences: found.flatMap(({ differences }) => differences),
    unsettled: found.flatMap(({ unsettled }) => unsettled),
    unanswered: found.flatMap(({ unanswered }) => unanswered),
    rows,
    notionCalls: await notion.calls(),
  };
}

/** Null: they are compared. */
function whyNotCompared({ state, completeAsOf, dataSourceId }: SourceContents, rows: number, mostRows: number): string | null {
  if (state === 'off') return 'an operator turned its rows off';
  if (completeAsOf === null) return 'its first scan has not finished';
  if (rows > mostRows) return `more than ${mostRows} rows: mirror verify --rows ${dataSourceId} compares them`;
  return null;
}
