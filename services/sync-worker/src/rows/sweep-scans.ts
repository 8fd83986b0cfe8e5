import type { DataSourceContents } from '@notion-mirror/mirror-store/data-source-contents';
import type { FollowedSources } from '@notion-mirror/mirror-store/entities/followed-sources';
import type { SweepTools } from '../sweep/sweep-tools.ts';
import { nextFullScanAt } from './scan-schedule.ts';

export interface SweepScanDependencies {
  /** Ids of the tenant's live databases. */
  readonly liveDatabases: (workspaceId: string) => Promise<readonly string[]>;
  readonly sourcesOf: FollowedSources;
  readonly contents: Pick<DataSourceContents, 'follow' | 'list' | 'want'>;
  /** How often all rows are scanned. */
  readonly intervalMs: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/**
 * A sweep's part in keeping rows: follows every live database of the tenant, so that each data source will be scanned even if its event was lost or came
 * before rows were mirrored. A full sweep also wants a scan of each: of the rows that were edited, or of all if an operator requested the sweep or the last
 * such scan is too old. Rejects with the store's errors or the signal's reason.
 */
export async function wantSweepScans(
  deps: SweepScanDependencies,
  { workspaceId, depth, isRequested, signal }: Pick<SweepTools, 'workspaceId' | 'depth' | 'isRequested' | 'signal'>,
): Promise<void> {
  const { liveDatabases, sourcesOf, contents, intervalMs, now } = deps;
  const databases = await liveDatabases(workspaceId);
  for (const databaseId of databases) {
    signal.throwIfAborted();
    // What is no longer in a database goes by the events of its sync.
    await contents.follow({ workspaceId, databaseId }, await sourcesOf(workspaceId, databaseId));
  }
  if (depth === 'search') return;
  const live = new Set(databases);
  for (const { dataSourceId, databaseId, state, fullAt } of await contents.list(workspaceId)) {
    if (state === 'off' || !live.has(databaseId)) continue;
    signal.throwIfAborted();
    const ref = { workspaceId, dataSourceId };
    const at = new Date(now());
    const isOld = fullAt !== null && nextFullScanAt(ref, fullAt, intervalMs) <= at;
    await contents.want(ref, {
      reasons: [isRequested ? 'operator' : 'sweep'],
      depth: isRequested || isOld ? 'all' : 'edited',
      at,
      raisesAll: false,
      dueAt: at,
    });
  }
}
