import type { RowContent } from '@notion-mirror/domain/entities/row';

/** A small row of the data source `source-1` of the database `database-1`. */
export function someRow(change: Partial<RowContent> = {}): RowContent {
  const title = change.title ?? 'Kale';
  return {
    databaseId: 'database-1',
    dataSourceId: 'source-1',
    title,
    url: 'https://www.notion.so/kale',
    publicUrl: null,
    icon: null,
    cover: null,
    isArchived: false,
    isLocked: false,
    createdTime: new Date('2026-03-01T19:05:00.000Z'),
    lastEditedTime: new Date('2026-03-02T08:00:00.000Z'),
    createdBy: 'u1',
    lastEditedBy: 'u1',
    properties: [
      { id: 'title', name: 'Name', type: 'title', value: title },
      { id: 'fk%5EY', name: 'In stock', type: 'checkbox', value: true },
    ],
    related: [],
    raw: { object: 'page', properties: { 'In stock': { id: 'fk%5EY', type: 'checkbox', checkbox: true } } },
    ...change,
  };
}
