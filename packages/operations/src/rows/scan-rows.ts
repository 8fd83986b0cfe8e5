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
      if (now.failures > 0 && now.scan?.isClaimed !== true) throw failedError(now);
      report();
      await delay(pollMs, undefined, { signal });
    }
    ended.push(now);
  }
  return ended;
}

/** A scan that began too early for the wish leaves it wanted, and the next one is for it. */
function isAnswered({ scan, wanted, last }: SourceContents, asked: Date): boolean {
  const isOpen = (allAt: Date | null = null): boolean => allAt !== null && allAt >= asked;
  return !isOpen(scan?.wish.allAt) && !isOpen(wanted?.allAt) && last !== null && last.startedAt >= asked;
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
