import type { DatabaseContent } from '@notion-mirror/domain/database-content';

/** A small database with one accessible and one missing data source. */
export function someContent(change: Partial<DatabaseContent> = {}): DatabaseContent {
  return {
    title: 'Tasks',
    description: '',
    url: 'https://www.notion.so/tasks',
    publicUrl: null,
    icon: { type: 'emoji', emoji: '✅' },
    cover: null,
    parent: { type: 'page_id', id: '255104cd-477e-808c-b279-d39ab803a7d2' },
    isInline: false,
    isLocked: true,
    createdTime: new Date('2025-08-07T17:11:07.504Z'),
    lastEditedTime: new Date('2025-08-10T22:53:11.386Z'),
    dataSources: [
      {
        id: 'source-1',
        name: 'Tasks',
        title: 'Tasks of the team',
        description: 'what to do',
        icon: null,
        cover: null,
        url: 'https://www.notion.so/source-1',
        parent: { type: 'database_id', id: 'database-1' },
        createdTime: new Date('2025-08-07T17:11:07.504Z'),
        lastEditedTime: null,
        inTrash: false,
        properties: [
          { id: 'title', name: 'Name', type: 'title', description: null, config: {} },
          { id: 'fk%5EY', name: 'In stock', type: 'checkbox', description: 'is it?', config: {} },
        ],
      },
      { id: 'source-2', name: 'Hidden', accessible: false },
    ],
    raw: {
      database: { object: 'database', created_time: '2025-08-07T10:11:07.504-07:00' },
      dataSources: [
        { object: 'data_source', id: 'source-1', properties: { 'In stock': { id: 'fk%5EY', type: 'checkbox', checkbox: {} } } },
      ],
    },
    ...change,
  };
}
