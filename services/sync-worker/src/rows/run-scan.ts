import type { Connection } from '@notion-mirror/domain/connection';
import type { TruncatedMinute } from '@notion-mirror/domain/row-scan';
import type { PassProgress, Scan, StoredProgress, TruncatedRows } from '@notion-mirror/mirror-store/contents-document';
import type { ScanFinding } from '@notion-mirror/mirror-store/scan-ledger';
import { RowQueryError } from '@notion-mirror/notion-source/row-query';
import { readAhead } from './read-ahead.ts';
import { readEdited } from './scan-edited.ts';
import { ScanError } from './scan-error.ts';
import type { ScanCounts } from './scan-notes.ts';
import { runPass } from './scan-pass.ts';
import { openScanRun, type ScanDependencies, type ScanOrder, type ScanRun } from './scan-run.ts';

export interface ScanHooks {
  /** Counted as the scan proceeds. */
  readonly counts: ScanCounts;
  /** Stores where to resume; null: at the beginning. Rejects when the claim is lost. */
  readonly save: (progress: StoredProgress | null) => Promise<void>;
  /** Whether the scan is to give way to others between two windows. */
  readonly mustPause: () => boolean;
  /** Called at the beginning with the scan's context. */
  readonly onTrace?: (trace: string) => void;
}

/**
 * - `ended`: it read to its end, `depth` deep: a scan of edited rows becomes one of all rows when too many were edited at once, or when the tenant has a
 *   connection that the last one of all rows did not know: it may show rows that were not edited since.
 * - `stopped`: it cannot go on, and is to be tried again later. `isIncomplete`: the data source cannot be scanned as things are.
 * - `paused`: it is to be resumed.
 */
export type ScanOutcome =
  | { readonly kind: 'ended'; readonly depth: Scan['depth']; readonly finding: ScanFinding }
  | { readonly kind: 'stopped'; readonly because: string; readonly isIncomplete: boolean }
  | { readonly kind: 'paused' };

/** The overlap of two scans of edited rows: Notion's times are whole minutes, and of another clock. */
const overlapMs = 120_000;

/**
 * Scans a data source through every active connection of the tenant that sees it. Rejects with RowQueryError if Notion does not answer, ScanError, the
 * errors of the store and the log, or the signal's reason. It is safe to run again.
 */
export async function runScan(deps: ScanDependencies, order: ScanOrder, hooks: ScanHooks, signal: AbortSignal): Promise<ScanOutcome> {
  const { workspaceId, dataSourceId } = order;
  const [first, ...others] = deps.activeConnections(workspaceId);
  if (first === undefined) throw new ScanError('no connection of the tenant is active');
  if (!(await deps.parents.has(workspaceId, dataSourceId))) {
    // Its event may have come while rows were off.
    await deps.announceGone(order, first, deps.trace);
    return gone;
  }
  const connections: Connections = [first, ...others];
  const progress = resumable(order.progress, connections);
  const run = await openScanRun(deps, order, hooks.counts, progress, signal);
  if (progress === null && order.wish.reasons.includes('first_backfill')) await waitForRemovals(deps, order, signal);
  const scan: RunningScan = { deps, order, hooks, signal, connections, run };
  try {
    const isShort = order.depth === 'edited' && progress === null && order.scannedAt !== null && isThroughKnown(order, connections);
    return await (isShort ? scanEdited(scan, order.scannedAt) : scanAll(scan, progress));
  } catch (error) {
    const problem = problemOf(error);
    if (problem === null) throw error;
    return { kind: 'stopped', because: problem.because, isIncomplete: true };
  }
}

/**
 * A first backfill begins at once, also if the data source was removed and has come back a moment ago. Its tombstones would then say more than the
 * answers of queries, although the rows are back.
 */
async function waitForRemovals(
  { rows, clock, lagMs, toleranceMs }: ScanDependencies,
  order: ScanOrder,
  signal: AbortSignal,
): Promise<void> {
  const settleMs = lagMs + toleranceMs + 1;
  if (!(await rows.hasRemovedSince(order, new Date(clock.now() - settleMs)))) return;
  await clock.sleep(settleMs, signal);
  signal.throwIfAborted();
}

type Connections = readonly [Connection, ...Connection[]];

interface RunningScan {
  readonly deps: ScanDependencies;
  readonly order: ScanOrder;
  readonly hooks: ScanHooks;
  readonly signal: AbortSignal;
  readonly connections: Connections;
  readonly run: ScanRun;
}

const gone: ScanOutcome = { kind: 'stopped', because: 'no live database of the mirror has the data source', isIncomplete: false };

async function scanAll(scan: RunningScan, begun: StoredProgress | null): Promise<ScanOutcome> {
  const { deps, order, hooks, signal, connections, run } = scan;
  const passes = new Map((begun?.passes ?? (await firstPasses(scan))).map((pass) => [pass.connectionId, pass]));
  const scanned = [...passes.keys()];
  let isRefused = false;

  async function update(pass: PassProgress): Promise<void> {
    passes.set(pass.connectionId, pass);
    await hooks.save({ connections: idsOf(connections), passes: [...passes.values()], ...run.notes.stored() });
  }

  async function readThrough(connection: Connection, { progress }: PassProgress): Promise<ScanOutcome | null> {
    const { connectionId } = connection;
    const { answers, patience, waitForLag } = run.answersThrough(connection, scanned);
    const ask = readAhead(run.counted(deps.notion.queryRows(connection, order.dataSourceId, signal)));
    const end = await runPass(
      {
        source: order,
        ask,
        rows: deps.rows,
        answers,
        limits: deps.limits,
        waitForLag,
        async windowEnded(window) {
          patience.nextWindow();
          await update({ connectionId, progress: window, end: null });
          return !hooks.mustPause();
        },
      },
      progress,
    );
    switch (end.kind) {
      case 'gone':
        return gone;
      case 'paused':
        return end;
      case 'stuck':
        return { kind: 'stopped', because: `the queries of its rows do not get ahead (${end.reason})`, isIncomplete: true };
      case 'ended':
        await update({ connectionId, progress: null, end: { rows: end.rows, truncated: end.truncated } });
        return null;
    }
  }

  for (const connection of connections) {
    const pass = passes.get(connection.connectionId);
    if (pass === undefined || pass.end !== null) continue;
    try {
      const outcome = await readThrough(connection, pass);
      if (outcome !== null) return outcome;
    } catch (error) {
      // What the others show is still worth reading.
      if (passes.size === 1 || problemOf(error)?.kind !== 'refused') throw error;
      isRefused = true;
    }
  }
  if (isRefused) {
    // The others have left alone what was its own.
    await hooks.save(null);
    return { kind: 'stopped', because: 'Notion refused one of the connections meanwhile; the scan begins again', isIncomplete: false };
  }
  await run.removeUnreadable(connections[0]);
  return { kind: 'ended', depth: 'all', finding: await findingOf(scan, [...passes.values()]) };
}

/** For each connection that sees the data source. Rejects with the refusal of one of them if none does. */
async function firstPasses({ deps, order, signal, connections, run }: RunningScan): Promise<readonly PassProgress[]> {
  const passes: PassProgress[] = [];
  let refusal: unknown = null;
  for (const connection of connections) {
    try {
      // One connection finds out by its first query.
      if (connections.length > 1) {
        const ask = run.counted(deps.notion.queryRows(connection, order.dataSourceId, signal));
        await ask({ partition: 'live', from: null, until: null, cursor: null, pageSize: 1 });
      }
      passes.push({ connectionId: connection.connectionId, progress: null, end: null });
    } catch (error) {
      if (problemOf(error)?.kind !== 'refused') throw error;
      refusal = error;
    }
  }
  if (passes.length === 0) throw refusal;
  return passes;
}

async function findingOf({ deps, order, run }: RunningScan, passes: readonly PassProgress[]): Promise<ScanFinding> {
  const truncated = union(passes.flatMap(({ end }) => end?.truncated ?? []));
  const reason = await run.whyIncomplete(truncated);
  if (reason !== null) return { kind: 'incomplete', reason, truncated: truncated.map(truncatedRows) };
  const unlisted = await run.hideUnlisted();
  const [pass, ...others] = passes;
  // What several connections show overlaps. The mirror holds all of it.
  const counted = others.length === 0 ? (pass?.end?.rows ?? null) : null;
  return { kind: 'complete', rows: counted ?? (await deps.rows.count(order)), ...(unlisted.length === 0 ? {} : { unlisted }) };
}

async function scanEdited(scan: RunningScan, scannedAt: Date): Promise<ScanOutcome> {
  const { deps, order, signal, connections, run } = scan;
  const since = scannedAt.getTime() - deps.lagMs - overlapMs;
  const ids = idsOf(connections);
  let refusal: unknown = null;
  let read = 0;
  for (const connection of connections) {
    const { answers, waitForLag } = run.answersThrough(connection, ids);
    try {
      const ask = run.counted(deps.notion.queryEditedRows(connection, order.dataSourceId, signal));
      const end = await readEdited({ ask, answers, waitForLag }, since);
      if (end === 'gone') return gone;
      if (end === 'too_many') return await scanAll(scan, null);
      if (end === 'stuck') return { kind: 'stopped', because: 'the queries of edited rows do not get ahead', isIncomplete: false };
      read += 1;
    } catch (error) {
      if (problemOf(error)?.kind !== 'refused') throw error;
      refusal = error;
    }
  }
  if (read === 0) throw refusal;
  await run.removeUnreadable(connections[0]);
  const reason = await run.whyIncomplete([]);
  return { kind: 'ended', depth: 'edited', finding: reason === null ? { kind: 'edited' } : { kind: 'incomplete', reason, truncated: [] } };
}

function isThroughKnown({ connections: known = null }: ScanOrder, connections: Connections): boolean {
  return known === null || connections.every(({ connectionId }) => known.includes(connectionId));
}

function idsOf(connections: Connections): string[] {
  return connections.map(({ connectionId }) => connectionId);
}

/** What an interrupted scan knows still holds while the tenant has the same connections. */
function resumable(progress: StoredProgress | null, connections: Connections): StoredProgress | null {
  if (progress === null || progress.connections.length !== connections.length) return null;
  return connections.every(({ connectionId }) => progress.connections.includes(connectionId)) ? progress : null;
}

/** Null: not about the data source. */
function problemOf(error: unknown): { readonly kind: 'refused' | 'malformed'; readonly because: string } | null {
  if (!(error instanceof RowQueryError)) return null;
  const { problem, failure } = error;
  if (problem === 'refused') return { kind: problem, because: `Notion refuses the query of its rows: ${failure.message}` };
  if (problem === 'malformed') return { kind: problem, because: `Notion returned rows that cannot be read: ${failure.message}` };
  return null;
}

/** A minute that is truncated for several connections counts once, with as many rows as one of them shows. */
function union(minutes: readonly TruncatedMinute[]): readonly TruncatedMinute[] {
  const found = new Map<string, TruncatedMinute>();
  for (const one of minutes) {
    const name = `${one.partition} ${one.minute}`;
    const known = found.get(name);
    if (known === undefined || known.atLeast < one.atLeast) found.set(name, one);
  }
  return [...found.values()];
}

function truncatedRows({ partition, minute, atLeast }: TruncatedMinute): TruncatedRows {
  return { partition, minute: new Date(minute), atLeast };
}
