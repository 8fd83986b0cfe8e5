import type { Difference } from '@notion-mirror/demo/equality';
import type { System } from '@notion-mirror/demo/system';
import { openDataSourceContents } from '@notion-mirror/mirror-store/data-source-contents';
import type { Db } from 'mongodb';

/** What the events of a row, of its data source or of its database let the mirror follow. */
const followed: readonly (string | undefined)[] = [
  'document',
  'dataSourceId',
  'title',
  'icon',
  'cover',
  'isLocked',
  'lastEditedTime',
  'lastEditedBy',
];

/** Whether a row may differ like this until its data source is scanned: archiving, renamed properties and options, and values that follow other rows. */
export function onlyAScanFinds({ pageId, field }: Difference): boolean {
  return pageId !== undefined && !followed.includes(field.split(/[.[ ]/)[0]);
}

/** Whether this says nothing of a database or row, but of what the mirror knows about the completeness of rows: a scan may still be wanted. */
export function isOfCompleteness({ field }: Difference): boolean {
  return field.startsWith('data_source_contents');
}

/** Asks for a scan of every data source of these databases, as an operator does. */
export async function wantScans(db: Db, databases: readonly Pick<Difference, 'databaseId'>[]): Promise<void> {
  const ids = [...new Set(databases.map(({ databaseId }) => databaseId))];
  const found = await db
    .collection('data_source_contents')
    .find<{ workspaceId: string; dataSourceId: string }>({ databaseId: { $in: ids } })
    .toArray();
  const contents = openDataSourceContents(db);
  const now = new Date();
  for (const { workspaceId, dataSourceId } of found) {
    await contents.want({ workspaceId, dataSourceId }, { reasons: ['operator'], depth: 'all', at: now, raisesAll: false, dueAt: now });
  }
}

/**
 * Whether the mirror equals Notion, for all tenants or one. Asks for scans once, when only such differences are left that events cannot remove: to be
 * called again until it is true, while nothing else changes.
 */
export function createEqualityCheck(system: Pick<System, 'db' | 'differences'>, workspaceId?: string): () => Promise<boolean> {
  let areScansWanted = false;
  return async () => {
    const differences = await system.differences(workspaceId);
    if (!areScansWanted && differences.length > 0 && differences.every(onlyAScanFinds)) {
      areScansWanted = true;
      await wantScans(system.db, differences);
    }
    return differences.length === 0;
  };
}
