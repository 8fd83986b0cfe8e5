import { setTimeout as delay } from 'node:timers/promises';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import type { DataSourceRef } from '@notion-mirror/mirror-store/contents-document';
import { openContentsReports, type SourceContents } from '@notion-mirror/mirror-store/contents-reports';
import { openDataSourceContents } from '@notion-mirror/mirror-store/data-source-contents';
import type { OperationContext } from '../operation-context.ts';
import { OperatorError } from '../operator-error.ts';
import { every } from '../progress.ts';
import { count, oneLine } from '../text.ts';

const pollMs = 500;
const progressMs = 5_000;
/** More than a tenant has. */
const mostSources = 10_000;

/**
 * Wants a scan of all rows of each data source. Resolves to the time of the wish (our clock) and those that it is for: a data source whose rows are off,
 * or that has just gone, is left out.
 */
export async function wantScans<Source extends DataSourceRef>(
  db: Mongo['db'],
  sources: readonly Source[],
  { acceptsRemovals }: { readonly acceptsRemovals: boolean },
): Promise<{ readonly asked: Date; readonly wanted: readonly Source[] }> {
  const contents = openDataSourceContents(db);
  const asked = new Date();
  const accepts = acceptsRemovals ? ({ acceptsRemovals } as const) : {};
  const wish = { reasons: ['operator'], depth: 'all', at: asked, raisesAll: false, dueAt: asked, ...accepts } as const;
  const wanted: Source[] = [];
  for (const source of sources) if (await contents.want(source, wish)) wanted.push(source);
  return { asked, wanted };
}

/**
 * Resolves to the data sources after the scans that were wanted at `asked`. Reports progress for a person. Rejects with an OperatorError when one
 * failed or its data source has gone meanwhile; the workers try a failed one again.
 */
export async function scansEnded(
  { signal, onProgress }: OperationContext,
  db: Mongo['db'],
  sources: readonly DataSourceRef[],
  asked: Date,
): Promise<SourceContents[]> {
  const contents = openContentsReports(db);
  const ended: SourceContents[] = [];
  for (const source of sources) {
    let now: SourceContents | null = null;
    const report = every(progressMs, () =>
      onProgress(`${ended.length} of ${count(sources.length, 'data source')} scanned; ${progressOf(now)}`),
    );
    for (;;) {
      now = await contents.read(source);
      if (now === null || now.state === 'off') throw goneError(source);
      if (isAnswered(now, asked)) break;
      if (hasFailed(now)) throw failedError(now);
      report();
      await delay(pollMs, undefined, { signal });
    }
    ended.push(now);
  }
  return ended;
}

/**
 * Resolves to a tenant's data sources with the scans that a sweep has wanted, when these have ended; `since`: when the sweep began. Empty: it wanted none. One
 * whose scan failed is among them, since the workers try it again; one that has gone meanwhile, or was turned off, is not. Reports progress for a person.
 */
export async function sweptScansEnded(
  { signal, onProgress }: OperationContext,
  db: Mongo['db'],
  workspaceId: string,
  since: Date,
): Promise<SourceContents[]> {
  const contents = openContentsReports(db);
  const awaited = new Set<string>();
  let progress = '';
  const report = every(progressMs, () => onProgress(progress));
  for (;;) {
    const sources = (await contents.list({ workspaceId }, mostSources)).filter(({ state }) => state !== 'off');
    const wanted = sources.filter((source) => isWanted(source, since));
    wanted.forEach(({ dataSourceId }) => awaited.add(dataSourceId));
    const open = wanted.filter((source) => !hasFailed(source));
    const swept = sources.filter(({ dataSourceId, last }) => awaited.has(dataSourceId) || (last !== null && last.startedAt >= since));
    if (open.length === 0) return swept;
    progress = `${swept.length - open.length} of ${count(swept.length, 'data source')} scanned; ${progressOf(open.find(({ scan }) => scan !== null) ?? null)}`;
    report();
    await delay(pollMs, undefined, { signal });
  }
}

function hasFailed({ failures, scan }: SourceContents): boolean {
  return failures > 0 && scan?.isClaimed !== true;
}

function isWanted({ state, scan, wanted }: SourceContents, since: Date): boolean {
  return [scan?.wish ?? null, wanted].some((wish) => {
    if (wish === null || wish.allAt === null) return false;
    // The first backfill of a data source that the sweep has found is for the rows of any time.
    return wish.allAt >= since || (state === 'scanning' && wish.at >= since);
  });
}

/** A scan that began too early for the wish leaves it wanted, and the next one is for it. */
function isAnswered({ scan, wanted, last }: SourceContents, asked: Date): boolean {
  const isOpen = (wish: SourceContents['wanted'] = null): boolean =>
    wish !== null && wish.reasons.includes('operator') && wish.allAt !== null && wish.allAt >= asked;
  return !isOpen(scan?.wish) && !isOpen(wanted) && last !== null && last.startedAt >= asked;
}

function progressOf(now: SourceContents | null): string {
  if (now === null || now.scan === null) return 'the next one waits for a worker';
  return `${now.dataSourceId}: ${count(now.scan.rows, 'row')} read since ${now.scan.startedAt.toISOString()}`;
}

function goneError({ workspaceId, dataSourceId }: DataSourceRef): OperatorError {
  return new OperatorError(
    'data_source_gone',
    `the data source ${dataSourceId} of ${oneLine(workspaceId)} is gone, or its rows were turned off`,
    {
      remedy: `mirror rows status ${oneLine(workspaceId)}`,
    },
  );
}

function failedError({ dataSourceId, failure }: SourceContents): OperatorError {
  return new OperatorError('scan_failed', `the scan of ${dataSourceId} failed: ${oneLine(failure ?? 'unknown')}`, {
    remedy: 'the workers try it again; mirror rows status shows it',
  });
}
