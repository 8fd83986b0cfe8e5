import type { DataSourceRef } from '@notion-mirror/mirror-store/data-source-contents';
import type { RowOutline } from '@notion-mirror/mirror-store/entities/row';
import type { RecordStore, StoredRecord } from '@notion-mirror/mirror-store/records/record-store';
import type { RemovalReason } from '@notion-mirror/domain/write-rule';

/** `before`: its record until then. `rejected`: MongoDB can never store the tombstone. */
export type RowRemoval =
  | { readonly kind: 'removed'; readonly before: StoredRecord<RowOutline>; readonly asOf: Date }
  | { readonly kind: 'not_there' }
  | { readonly kind: 'rejected'; readonly message: string };

/**
 * Removes a row that is live in a data source which it may not be in, as if an event had deleted it (`docs/rows.md`). After a conflict it reads and decides again.
 * Rejects with the store's errors or the signal's reason.
 */
export async function removeRow(
  deps: { readonly records: Pick<RecordStore<unknown, RowOutline>, 'read' | 'writeTombstone'>; readonly now: () => number },
  { workspaceId, dataSourceId, pageId }: DataSourceRef & { readonly pageId: string },
  cause: { readonly reason: RemovalReason; readonly eventId: string; readonly trace?: string | undefined },
  signal: AbortSignal,
): Promise<RowRemoval> {
  const ref = { workspaceId, id: pageId };
  for (;;) {
    signal.throwIfAborted();
    const before = await deps.records.read(ref);
    if (before === null || !before.live || before.dataSourceId !== dataSourceId) return { kind: 'not_there' };
    const asOf = new Date(deps.now());
    const written = await deps.records.writeTombstone({ ...ref, expected: before, asOf, source: 'delete', ...cause });
    if (written.kind === 'rejected') return written;
    if (written.kind === 'written') return { kind: 'removed', before, asOf };
  }
}
