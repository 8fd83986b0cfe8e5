import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import type { DataSourceContents } from '@notion-mirror/mirror-store/data-source-contents';
import type { RowOutline } from '@notion-mirror/mirror-store/entities/row';
import { removeLiveRows, type LiveRowsOf } from '@notion-mirror/mirror-store/entities/rows-of-source';
import type { RecordStore } from '@notion-mirror/mirror-store/records/record-store';
import { createSpanAllowance } from '@notion-mirror/service-kit/tracing/span-allowance';
import type { Tracing } from '@notion-mirror/service-kit/tracing/tracing';
import type { Dependents } from '@notion-mirror/worker/dependents';
import type { SyncedWork } from '../consume/sync-entity.ts';
import type { RowParents } from './row-parents.ts';

export interface RowRemovalDependencies {
  readonly records: Pick<RecordStore<unknown, RowOutline>, 'writeTombstone'>;
  readonly liveRowsOf: LiveRowsOf;
  readonly parents: Pick<RowParents, 'has' | 'reasonFor'>;
  readonly contents: Pick<DataSourceContents, 'want' | 'forget'>;
  readonly dependents: Pick<Dependents, 'followAll'>;
  /** Follows each live database that has the data source. */
  readonly followHolders: (event: DatabaseEvent, dataSourceId: string) => Promise<void>;
  /** How long after now a scan sees everything that is there now. Milliseconds. */
  readonly scanAfterMs: number;
  readonly tracing: Pick<Tracing, 'child'>;
  readonly now: () => number;
}

/**
 * Removes the rows of a data source that no live database of the mirror has. A data source that has come back meanwhile gets a scan instead of being
 * forgotten. Safe to run again. Rejects with the errors of the store and the log, or the signal's reason.
 */
export async function removeRows(
  deps: RowRemovalDependencies,
  event: DatabaseEvent & { readonly databaseId: string; readonly dataSourceId: string },
  signal: AbortSignal,
): Promise<SyncedWork> {
  const { parents, contents, tracing, now } = deps;
  const { workspaceId, databaseId, dataSourceId, eventId } = event;
  const source = { workspaceId, dataSourceId };
  const isBack = () => parents.has(workspaceId, dataSourceId);

  if (await isBack()) {
    await rescan();
    return { kind: 'settled', outcome: 'skipped', reason: 'came_back', trail: null, calls: 0 };
  }
  const reason = await parents.reasonFor(workspaceId, databaseId);
  // First, since a crash in between repeats everything.
  await deps.dependents.followAll(workspaceId, dataSourceId, 0);
  const removed = await removeLiveRows(deps, { source, reason, eventId, now }, signal, traceBatches());
  if (await isBack()) await rescan();
  else {
    await contents.forget(source);
    // It may have been followed again just before it was forgotten.
    await deps.followHolders(event, dataSourceId);
  }
  return { kind: 'settled', outcome: 'removed', reason: `${reason}, rows: ${removed}`, trail: null, calls: 0 };

  /** A span for each batch. */
  function traceBatches(): (rows: number) => void {
    const batches = createSpanAllowance(event.trace);
    let startedAt = now();
    return (rows) => {
      const attributes = { 'notion_mirror.rows_removed': rows };
      tracing.child(batches.next(), { name: 'remove rows', kind: 'internal', attributes, startedAt })?.end();
      startedAt = now();
    };
  }

  async function rescan(): Promise<void> {
    const at = new Date(now());
    const dueAt = new Date(now() + deps.scanAfterMs);
    const isWanted = await contents.want(source, { reasons: ['came_back'], depth: 'all', at, raisesAll: false, dueAt });
    if (!isWanted) await deps.followHolders(event, dataSourceId);
  }
}
