import type { ContentsDocument, RowCounts, Scan, ScanReport, TruncatedRows } from './contents-document.ts';
import { leftOf, merged, regularScan, ripeAt, type ScanLag, type WantedScan } from './scan-wishes.ts';

/** When the scans of a data source begin, and what they leave. Pure: no I/O, no clock. */

/**
 * What a scan that read to its end found. A scan of what was edited proves nothing, so it leaves the state alone, unless a row was not written.
 * `reason`: in an operator's words. `unlisted`: as in the document.
 */
export type ScanFinding =
  | { readonly kind: 'complete'; readonly rows: RowCounts; readonly unlisted?: readonly string[] }
  | { readonly kind: 'incomplete'; readonly reason: string; readonly truncated: readonly TruncatedRows[] }
  | { readonly kind: 'edited' };

/** A changed schema alone causes at most one scan in this time, or in twice the time that the last one took. */
const schemaPauseMs = 600_000;
/** Rows that others depend on alone cause at most one scan in this time, or in twice the time that the last one took. */
const dependencyPauseMs = 3_600_000;

type Plan = Pick<ContentsDocument, 'scan' | 'wanted' | 'nextFullAt' | 'schemaDueAt' | 'dependencyDueAt' | 'dueAt' | 'last'>;

/** When a scan may begin; null: none is wanted. `lag`: null where it is not known, and then the time may be too early. */
export function nextScanAt(plan: Omit<Plan, 'last'>, lag: ScanLag | null): Date | null {
  const { scan, wanted, nextFullAt, dueAt } = plan;
  // An interrupted scan keeps its turn.
  if (scan !== null) return dueAt;
  if (wanted === null) return nextFullAt;
  const ripe = lag === null ? wanted.dueAt.getTime() : ripeAt(wanted, lag);
  const at = Math.max(ripe, pausedUntil(wanted, plan)?.getTime() ?? ripe);
  return new Date(nextFullAt === null ? at : Math.min(at, nextFullAt.getTime()));
}

/** Null: there is no pause for these wishes. */
function pausedUntil({ reasons }: WantedScan, { schemaDueAt, dependencyDueAt }: Omit<Plan, 'last'>): Date | null {
  if (reasons.every((reason) => reason === 'schema_changed')) return schemaDueAt;
  return reasons.every((reason) => reason === 'dependency') ? (dependencyDueAt ?? null) : null;
}

/** The scan that begins at `at`, when none runs; null: none may begin yet. */
export function nextScan(plan: Plan, at: Date, lag: ScanLag): Scan | null {
  const { wanted, nextFullAt, last } = plan;
  const dueAt = nextScanAt({ ...plan, scan: null }, lag);
  if (dueAt === null || dueAt > at) return null;
  // A regular scan takes every wish along, also one that it is too early for, which then stays.
  const wish = merged(wanted, nextFullAt !== null && nextFullAt <= at ? regularScan(nextFullAt) : null);
  if (wish === null) return null;
  // What was edited since the last scan can be asked for only if there was one.
  return { startedAt: at, depth: last === null ? 'all' : wish.depth, wish, progress: null };
}

/** `changes`, and that a scan is wanted of the document that they lead to. */
export function wanting(document: Plan, wish: WantedScan, changes: Partial<ContentsDocument> = {}): Partial<ContentsDocument> {
  const after = { ...document, ...changes };
  const wanted = merged(after.wanted, wish);
  // An interrupted scan that was postponed does not wait any longer either.
  const dueAt = after.scan !== null && after.dueAt !== null && after.dueAt > wish.dueAt ? wish.dueAt : after.dueAt;
  return { ...changes, wanted, dueAt: nextScanAt({ ...after, wanted, dueAt }, null) };
}

/**
 * Whether what is known of the rows, or what the running scan finds out, may lack changes whose events were missed: `since` is when that ended. False if a
 * scan for that reason is wanted already.
 */
export function isOutdated(
  { state, scan, wanted, fullAt }: Pick<ContentsDocument, 'state' | 'scan' | 'wanted' | 'fullAt'>,
  since: Date,
  lagMs: number,
): boolean {
  if (state === 'off') return false;
  const isTooEarly = (startedAt: Date) => startedAt.getTime() - lagMs < since.getTime();
  if (scan !== null && isTooEarly(scan.startedAt)) return true;
  if (fullAt === null || !isTooEarly(fullAt)) return false;
  return scan?.depth !== 'all' && wanted?.reasons.includes('rows_were_off') !== true;
}

/** `nextFullAt`: when all rows are to be scanned again. `connections`: the tenant's active ones when the scan began. */
export interface ScanResults {
  readonly finding: ScanFinding;
  readonly report: ScanReport;
  readonly nextFullAt: Date;
  readonly connections: readonly string[];
}

/** The changes of a document whose scan has ended. */
export function afterScan(
  document: Plan,
  { startedAt, depth, wish }: Pick<Scan, 'startedAt' | 'depth' | 'wish'>,
  { finding, report, nextFullAt, connections }: ScanResults,
  lag: ScanLag,
): Partial<ContentsDocument> {
  const tookMs = report.endedAt.getTime() - startedAt.getTime();
  const afterPause = (pauseMs: number) => new Date(startedAt.getTime() + Math.max(pauseMs, 2 * tookMs));
  const changes = {
    ...stateAfter(finding, startedAt, lag),
    ...(depth === 'all' ? { nextFullAt, fullAt: startedAt, connections } : {}),
    ...(wish.reasons.includes('schema_changed') ? { schemaDueAt: afterPause(schemaPauseMs) } : {}),
    ...(wish.reasons.includes('dependency') ? { dependencyDueAt: afterPause(dependencyPauseMs) } : {}),
    scan: null,
    wanted: merged(document.wanted, leftOf(wish, startedAt, lag)),
    last: report,
    failures: 0,
    failure: null,
  };
  return { ...changes, dueAt: nextScanAt({ ...document, ...changes }, lag) };
}

function stateAfter(finding: ScanFinding, startedAt: Date, { lagMs }: ScanLag): Partial<ContentsDocument> {
  switch (finding.kind) {
    case 'complete': {
      const completeAsOf = new Date(startedAt.getTime() - lagMs);
      return { state: 'complete', rows: finding.rows, completeAsOf, truncated: [], reason: null, unlisted: finding.unlisted ?? [] };
    }
    case 'incomplete':
      return { state: 'incomplete', truncated: finding.truncated, reason: finding.reason };
    case 'edited':
      return {};
  }
}
