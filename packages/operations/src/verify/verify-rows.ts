import pMap from 'p-map';
import type { Connection } from '@notion-mirror/domain/connection';
import type { RowContent } from '@notion-mirror/domain/entities/row';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import type { DataSourceRef } from '@notion-mirror/mirror-store/contents-document';
import { openContentsReports, type SourceContents } from '@notion-mirror/mirror-store/contents-reports';
import { openRowRecords } from '@notion-mirror/mirror-store/entities/row-records';
import { sourcesOfRows } from '@notion-mirror/mirror-store/entities/row-sources';
import { openMirroredDocuments } from '@notion-mirror/mirror-store/records/mirrored-documents';
import { systemClock } from '@notion-mirror/service-kit/async/clock';
import { rows } from '../entities/row.ts';
import { openNotion, type NotionAccess } from '../notion-access.ts';
import type { OperationContext } from '../operation-context.ts';
import { every } from '../progress.ts';
import { scopeOf, type RowScope } from '../rows/row-scope.ts';
import { count } from '../text.ts';
import { compareEntities, type Comparison, type ComparisonDependencies } from './compare-entities.ts';
import { scanSource } from './scan-source.ts';
import { appendFixes, type Verification, type VerifyOrder } from './verify-tenants.ts';

/** The comparison of the rows of all requested data sources. */
export interface RowVerification extends Verification {
  /** Data sources that were compared, and those whose rows an operator turned off. */
  readonly sources: number;
  readonly off: number;
  /** Data sources with so many differences that not all were confirmed: `rows` further ones differ from the answer of a query. */
  readonly beyond: readonly { readonly workspaceId: string; readonly dataSourceId: string; readonly rows: number }[];
}

export interface VerifyRowsOrder extends Omit<VerifyOrder, 'workspaceId'> {
  /** A tenant, or a data source or database by its id or URL; null: all tenants. */
  readonly text: string | null;
}

const tenantsAtOnce = 4;
/** Of one data source: each is read singly, which takes a call. */
const maxSuspects = 2_000;
/** Of one tenant. */
const mostSources = 100_000;
const progressMs = 5_000;

/**
 * Compares the mirrored rows with Notion's, data source by data source. Rejects with an OperatorError when the order names nothing known, with the
 * store's errors, or with the reason of `signal`.
 */
export async function verifyRows(
  context: OperationContext,
  db: Mongo['db'],
  { text, requestsPerMinute, graceMs, fixes }: VerifyRowsOrder,
): Promise<{ readonly found: RowVerification; readonly appended: number }> {
  const scope = await scopeOf(db, text);
  const notion = openNotion(context, scope.connections, requestsPerMinute);
  const active = Map.groupBy(
    scope.connections.filter(({ status }) => status === 'active'),
    ({ workspaceId }) => workspaceId,
  );
  const progress = createProgress(context);
  const results: TenantRows[] = [];
  const compare = async ([workspaceId, connections]: [string, readonly Connection[]]): Promise<void> => {
    results.push(await verifyTenantRows({ context, db, notion, graceMs, ...progress }, workspaceId, connections, scope));
  };
  await pMap(active, compare, { concurrency: tenantsAtOnce });
  const found: RowVerification = {
    ...joined(results),
    tenants: active.size,
    withoutConnection: scope.tenants.filter((workspaceId) => !active.has(workspaceId)),
  };
  return { found, appended: fixes ? await appendFixes(context, found, scope.connections) : 0 };
}

/** The comparison of some rows of one tenant. */
export type TenantRows = Comparison & Pick<RowVerification, 'sources' | 'off' | 'beyond'>;

export interface TenantDependencies {
  readonly context: OperationContext;
  readonly db: Mongo['db'];
  readonly notion: NotionAccess;
  readonly graceMs: number;
  readonly onRows: (rows: number) => void;
  readonly onSource: () => void;
}

async function verifyTenantRows(
  deps: TenantDependencies,
  workspaceId: string,
  connections: readonly Connection[],
  scope: RowScope,
): Promise<TenantRows> {
  const contents = openContentsReports(deps.db);
  const results: TenantRows[] = [];
  for (const status of await contents.list({ ...scope.query, workspaceId }, mostSources)) {
    results.push(await verifySource(deps, status, connections));
  }
  const { id } = scope.query;
  for (const dataSourceId of await sourcesOfRows(deps.db, workspaceId)) {
    const source = { workspaceId, dataSourceId };
    const isMeant = id === undefined || id === dataSourceId;
    if (isMeant && (await contents.read(source)) === null) {
      results.push(unanswered(source, 'the mirror shows rows of it, and no live database lists it'));
    }
  }
  return joined(results);
}

/** Compares the rows of one data source. `connections`: the tenant's active ones. Rejects as `verifyRows` does. */
export async function verifySource(
  { context, db, notion, graceMs, onRows, onSource }: TenantDependencies,
  status: SourceContents,
  connections: readonly Connection[],
): Promise<TenantRows> {
  const { signal } = context;
  const { workspaceId, dataSourceId } = status;
  if (status.state === 'off') return { ...nothing, off: 1 };
  const why = whyNotComparable(status);
  if (why !== null) return unanswered(status, why);

  const documents = openMirroredDocuments(db, rows.storage);
  const source = rows.openSource(notion);
  const singly: ComparisonDependencies<RowContent> = {
    storage: rows.storage,
    read: async (ref) => documents.read(ref),
    fetch: async (ref, attempt, until) => source.fetch(ref, attempt, until),
    clock: systemClock,
    graceMs,
    signal,
    onCompared: () => {},
  };
  const found: TenantRows[] = [];
  const checkCut = async (ids: readonly string[]): Promise<string[]> => {
    const { differences, unsettled, ...checked } = await compareEntities({ ...singly, graceMs: 0 }, workspaceId, ids);
    found.push({ ...nothing, unanswered: checked.unanswered });
    return [...differences.map(({ id }) => id), ...unsettled];
  };
  const records = openRowRecords(db);
  const scanned = await scanSource({ notion, records, maxSuspects, signal, checkCut, onRows }, status, connections);
  const confirmed = await compareEntities(singly, workspaceId, scanned.suspects);
  onSource();
  return joined([
    ...scanned.problems.map((problem) => unanswered(status, problem)),
    ...found,
    {
      ...nothing,
      ...confirmed,
      compared: scanned.compared,
      sources: 1,
      beyond: scanned.more === 0 ? [] : [{ workspaceId, dataSourceId, rows: scanned.more }],
    },
  ]);
}

const nothing: TenantRows = { compared: 0, sources: 0, off: 0, differences: [], unsettled: [], unanswered: [], beyond: [] };

function unanswered({ workspaceId, dataSourceId }: DataSourceRef, why: string): TenantRows {
  return { ...nothing, unanswered: [{ kind: rows.storage.kind, workspaceId, id: null, dataSourceId, why }] };
}

function joined(results: readonly TenantRows[]): TenantRows {
  const sum = (of: (one: TenantRows) => number): number => results.reduce((total, one) => total + of(one), 0);
  return {
    compared: sum(({ compared }) => compared),
    sources: sum(({ sources }) => sources),
    off: sum(({ off }) => off),
    differences: results.flatMap(({ differences }) => differences),
    unsettled: results.flatMap(({ unsettled }) => unsettled),
    unanswered: results.flatMap((one) => one.unanswered),
    beyond: results.flatMap(({ beyond }) => beyond),
  };
}

/** Null: it can be compared. */
function whyNotComparable({ state, completeAsOf, reason }: SourceContents): string | null {
  if (completeAsOf !== null) return null;
  return state === 'incomplete' ? `the mirror may not have all its rows: ${reason ?? 'unknown'}` : 'its first scan has not finished';
}

function createProgress({ onProgress }: OperationContext): Pick<TenantDependencies, 'onRows' | 'onSource'> {
  let compared = 0;
  let sources = 0;
  const report = every(progressMs, () => onProgress(`${count(compared, 'row')} compared, ${count(sources, 'data source')} done`));
  return {
    onRows(more) {
      compared += more;
      report();
    },
    onSource() {
      sources += 1;
      report();
    },
  };
}
