import { contentDifferences, type Fields } from '@notion-mirror/domain/content-differences';
import type { RowContent } from '@notion-mirror/domain/entities/row';
import { rowStorage, type RowOutline } from '@notion-mirror/mirror-store/entities/row';
import { fieldsOf } from '@notion-mirror/mirror-store/records/mirrored-documents';
import { UnstorableError } from '@notion-mirror/mirror-store/records/storable';
import type { StoredRecord } from '@notion-mirror/mirror-store/records/record-store';
import type { RowChange } from '@notion-mirror/worker/dependents';
import type { EntityRef } from '@notion-mirror/domain/entity';
import type { Fetched } from '../consume/sync-entity.ts';

/** What the mirror had of a row. `fields`: its document; null if no other rows depend on it. */
export interface RowBefore {
  readonly record: StoredRecord<RowOutline> | null;
  readonly fields: Fields | null;
}

/** How a row differs from what the mirror had of it; null: not at all, or nothing was found out. */
export function changeOf(ref: EntityRef, { record, fields }: RowBefore, fetched: Fetched<RowContent>): Omit<RowChange, 'hop'> | null {
  const from = record?.live === true ? record.dataSourceId : null;
  const isGone = fetched.kind === 'trashed' || fetched.kind === 'removed' || fetched.kind === 'inaccessible';
  if (fetched.kind !== 'live' && !isGone) return null;
  const content = fetched.kind === 'live' ? fetched.content : null;
  const isElsewhere = from !== (content?.dataSourceId ?? null);
  if (!isElsewhere && (content === null || fields === null || isSame(ref, fields, content))) return null;
  const [before, after] = [new Set(relatedIn(fields)), new Set(content?.related)];
  return {
    pageId: ref.id,
    dataSourceIds: [...new Set([from, content?.dataSourceId ?? null])].filter((id) => id !== null),
    isElsewhere,
    relinked: [...new Set([...before, ...after])].filter((id) => before.has(id) !== after.has(id)),
  };
}

function isSame(ref: EntityRef, fields: Fields, content: RowContent): boolean {
  try {
    return contentDifferences(fields, fieldsOf(rowStorage, ref, content)).length === 0;
  } catch (error) {
    if (error instanceof UnstorableError) return true;
    throw error;
  }
}

function relatedIn(fields: Fields | null): readonly string[] {
  const related = fields?.['related'];
  return Array.isArray(related) ? related.map(String) : [];
}
