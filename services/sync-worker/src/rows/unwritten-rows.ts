import type { DataSourceContents } from '@notion-mirror/mirror-store/data-source-contents';
import type { RowSync } from './second-reads.ts';

/**
 * Adds to the sync of rows: when MongoDB cannot store one, a scan of what was edited is wanted. It finds the same, and makes the data source
 * `incomplete`, with the reason: readers of a table do not see dead letters.
 */
export function withUnwrittenRows(
  deps: { readonly contents: Pick<DataSourceContents, 'want'>; readonly now: () => number },
  sync: RowSync,
): RowSync {
  return async (work, newest, pageId) => {
    const result = await sync(work, newest, pageId);
    const { workspaceId, dataSourceId } = newest;
    if (result.kind === 'unwritable' && dataSourceId !== null) {
      const at = new Date(deps.now());
      const wish = { reasons: ['unwritten'], depth: 'edited', at, raisesAll: false, dueAt: at } as const;
      await deps.contents.want({ workspaceId, dataSourceId }, wish);
    }
    return result;
  };
}
