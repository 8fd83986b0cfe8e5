import { randomUUID } from 'node:crypto';
import type { DatabaseContent, JsonObject } from '@notion-mirror/domain/database-content';
import { databaseContent, parseDatabase, parseDataSource } from '@notion-mirror/notion-source/database-document';

/** With its database, a document of about 3 KB. */
const properties = 12;
const times = { created_time: '2026-01-05T09:30:00.000Z', last_edited_time: '2026-02-17T16:45:00.000Z' };
const person = { object: 'user', id: '2f1b8a60-0f6e-4bb5-9d0e-6c3a7b1d2e4f' };
const edited = { ...times, created_by: person, last_edited_by: person, in_trash: false, archived: false };

/** For a database with one data source; either id follows from the other. */
export function newDatabaseId(): string {
  return withFirst('0', randomUUID());
}

/** As GET /v1/databases/{id} would answer it. */
export function databaseAnswer(id: string): JsonObject {
  return {
    object: 'database',
    id,
    title: richText('A database of the benchmark'),
    description: richText('What is to be done, by whom, and until when'),
    parent: { type: 'page_id', page_id: '7c9e6679-7425-40de-944b-e07fc1f90ae7' },
    icon: { type: 'emoji', emoji: '📋' },
    cover: null,
    url: `https://www.notion.so/${id.replaceAll('-', '')}`,
    public_url: null,
    is_inline: false,
    is_locked: false,
    data_sources: [{ id: withFirst('f', id), name: 'Tasks' }],
    ...edited,
  };
}

/** As GET /v1/data_sources/{id} would answer it. */
export function dataSourceAnswer(id: string): JsonObject {
  const others = Array.from({ length: properties - 1 }, (_, n) => [`Property ${n}`, { id: `p%3A${n}`, type: 'rich_text', rich_text: {} }]);
  return {
    object: 'data_source',
    id,
    title: richText('Tasks'),
    description: [],
    parent: { type: 'database_id', database_id: withFirst('0', id) },
    database_parent: { type: 'page_id', page_id: '7c9e6679-7425-40de-944b-e07fc1f90ae7' },
    icon: null,
    cover: null,
    url: `https://www.notion.so/${id.replaceAll('-', '')}`,
    properties: Object.fromEntries([['Name', { id: 'title', type: 'title', title: {} }], ...others]) as JsonObject,
    ...edited,
  };
}

/** The same as the product reads it. */
export function answeredContent(databaseId: string): DatabaseContent {
  const source = dataSourceAnswer(withFirst('f', databaseId));
  const database = parseDatabase(databaseAnswer(databaseId));
  const dataSource = parseDataSource(source, JSON.stringify(source));
  if (database.kind !== 'parsed' || dataSource.kind !== 'parsed') throw new Error('the answers of the benchmark are not as Notion answers');
  return databaseContent(database.value, new Map([[dataSource.value.content.id, dataSource.value]]));
}

function withFirst(digit: string, id: string): string {
  return `${digit}${id.slice(1)}`;
}

function richText(text: string): JsonObject[] {
  const annotations = { bold: false, italic: false, strikethrough: false, underline: false, code: false, color: 'default' };
  return [{ type: 'text', text: { content: text, link: null }, annotations, plain_text: text, href: null }];
}
