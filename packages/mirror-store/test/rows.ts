import type { RowContent } from '@notion-mirror/domain/entities/row';
import type { MongoLayout } from '../src/layout.ts';
import { databaseStorage } from '../src/entities/database.ts';
import { rowStorage } from '../src/entities/row.ts';

/** What `mirror init` sets up when rows are mirrored, too. */
export const layoutWithRows: MongoLayout = {
  storages: [databaseStorage, rowStorage],
  tombstoneTtlMs: 3_600_000,
  schemaHistoryMs: 3_600_000,
};

/** A row with one value and a signed file. */
export function someRow(change: Partial<RowContent> = {}): RowContent {
  const icon = { type: 'file', file: { url: 'https://files.example/a.png?signature=1', expiry_time: '2026-01-01T01:00:00.000Z' } };
  return {
    databaseId: 'database-1',
    dataSourceId: 'source-1',
    title: 'Kale',
    url: 'https://app.notion.com/p/kale',
    publicUrl: null,
    icon,
    cover: null,
    isArchived: false,
    isLocked: false,
    createdTime: new Date('2026-03-01T19:05:00.000Z'),
    lastEditedTime: new Date('2026-03-01T19:06:00.000Z'),
    createdBy: 'user-1',
    lastEditedBy: null,
    properties: [{ id: 'title', name: 'Name', type: 'title', value: 'Kale' }],
    related: [],
    raw: { object: 'page', icon, properties: { Name: { id: 'title', type: 'title' } } },
    ...change,
  };
}
