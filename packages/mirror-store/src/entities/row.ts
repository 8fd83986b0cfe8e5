import type { RowContent } from '@notion-mirror/domain/entities/row';
import { rowKind } from '@notion-mirror/domain/entities/row';
import { z } from 'zod';
import type { EntityStorage } from '../entity-storage.ts';
import { readFields } from '../records/record-document.ts';
import { rowFields, rowOf } from './row-content.ts';
import { timeOrNull } from './stored-fields.ts';

export interface RowOutline {
  /** Null for a tombstone. */
  readonly databaseId: string | null;
  /** A tombstone keeps these two, if the row was ever live; otherwise both are null. */
  readonly dataSourceId: string | null;
  readonly createdTime: Date | null;
}

export const rowStorage: EntityStorage<RowContent, RowOutline> = {
  kind: rowKind,
  collection: 'row_records',
  shadowCollection: 'shadow_row_records',
  view: 'rows',
  // Template pages are under the data source, and no row of it.
  viewFilter: { isListed: { $ne: false } },
  indexes: [
    // By the page alone for operators, who may not know the tenant.
    { name: 'by_page', key: { pageId: 1, workspaceId: 1 } },
    { name: 'by_database', key: { workspaceId: 1, databaseId: 1 } },
    // A scan reads a partition in order of created time; readers list a table by it.
    { name: 'by_data_source', key: { workspaceId: 1, dataSourceId: 1, isArchived: 1, createdTime: 1, pageId: 1 } },
    { name: 'by_related', key: { workspaceId: 1, related: 1 } },
  ],
  contentFields: rowFields,
  contentOf: rowOf,
  outlineProjection: { databaseId: 1, dataSourceId: 1, createdTime: 1 },
  outlineOf: (document) => readFields(outline, document),
  outlineOfContent: ({ databaseId, dataSourceId, createdTime }) => ({ databaseId, dataSourceId, createdTime }),
  tombstoneFields: ({ dataSourceId, createdTime }) => (dataSourceId === null ? null : { dataSourceId, createdTime }),
};

const outline = z.object({
  databaseId: z.string().nullable().default(null),
  dataSourceId: z.string().nullable().default(null),
  createdTime: timeOrNull.default(null),
});
