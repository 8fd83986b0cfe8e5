import { randomUUID } from 'node:crypto';
import type { JsonObject } from '@notion-mirror/domain/database-content';
import type { RowContent } from '@notion-mirror/domain/entities/row';
import { parsePage, rowContent } from '@notion-mirror/notion-source/row-document';

/** Rows that were created in one minute: a window of a scan, 10,000 rows, spans several hours. */
export const rowsOfMinute = 20;
const minuteMs = 60_000;
const firstCreated = Date.UTC(2024, 0, 1);
const ada = '2f1b8a60-0f6e-4bb5-9d0e-6c3a7b1d2e4f';

/** A database with one data source of so many rows. All ids follow from it: the stub of Notion keeps none. */
export interface Table {
  readonly databaseId: string;
  readonly dataSourceId: string;
}

export function newTable(rows: number): Table {
  const tail = `${randomUUID().slice(8, 24)}${rows.toString(16).padStart(12, '0')}`;
  return { databaseId: `00000000${tail}`, dataSourceId: `f0000000${tail}` };
}

/** 0 for a data source that `newTable` did not make. */
export function rowsOf(dataSourceId: string): number {
  return dataSourceId.startsWith('f0000000') ? Number.parseInt(dataSourceId.slice(24), 16) : 0;
}

/** `n`: from 0, in order of created time. */
export function pageIdOf(dataSourceId: string, n: number): string {
  return `${(n + 1).toString(16).padStart(8, '0')}${dataSourceId.slice(8)}`;
}

/** The place of a row in its data source. */
export function placeOf(pageId: string): { readonly dataSourceId: string; readonly n: number } {
  return { dataSourceId: `f0000000${pageId.slice(8)}`, n: Number.parseInt(pageId.slice(0, 8), 16) - 1 };
}

export function createdTimeOf(n: number): string {
  return new Date(firstCreated + Math.floor(n / rowsOfMinute) * minuteMs).toISOString();
}

/** The first row that was created at this time or later. */
export function firstRowAt(time: string): number {
  return Math.max(0, Math.ceil((Date.parse(time) - firstCreated) / minuteMs) * rowsOfMinute);
}

/** As GET /v1/pages/{id} would answer it, and as a result of a query: 2.7 KB, and a document of 4.6 KB with 15 properties. */
export function rowAnswer(dataSourceId: string, n: number, lastEditedTime = createdTimeOf(n)): JsonObject {
  const id = pageIdOf(dataSourceId, n);
  return {
    object: 'page',
    id,
    created_time: createdTimeOf(n),
    last_edited_time: lastEditedTime,
    created_by: { object: 'user', id: ada },
    last_edited_by: { object: 'user', id: ada },
    cover: null,
    icon: { type: 'emoji', emoji: '🧾' },
    parent: { type: 'data_source_id', data_source_id: dataSourceId, database_id: `0${dataSourceId.slice(1)}` },
    archived: false,
    in_trash: false,
    is_archived: false,
    is_locked: false,
    properties: cells(n),
    url: `https://www.notion.so/${id.replaceAll('-', '')}`,
    public_url: null,
  };
}

/** The same as the product reads it. */
export function answeredRow(dataSourceId: string, n: number): RowContent {
  const answer = rowAnswer(dataSourceId, n);
  const page = parsePage(answer, () => JSON.stringify(answer));
  const row = page.kind === 'parsed' ? rowContent(page.value) : page;
  if (row.kind !== 'parsed') throw new Error('the rows of the benchmark are not as Notion answers');
  return row.value;
}

function cells(n: number): JsonObject {
  const person = { object: 'user', id: ada, name: 'Ada', avatar_url: null, type: 'person', person: { email: 'ada@example.com' } };
  return {
    Name: { id: 'title', type: 'title', title: richText(`Invoice ${n}`) },
    Notes: { id: 'n%3Ao', type: 'rich_text', rich_text: richText('Sent by post, to be paid within thirty days') },
    Address: { id: 'a%3Ad', type: 'rich_text', rich_text: richText('12 Long Street, Little Town') },
    Contact: { id: 'c%3Ao', type: 'email', email: 'accounts@example.com' },
    Link: { id: 'l%3Ai', type: 'url', url: `https://example.com/invoices/${n}` },
    Phone: { id: 'p%3Ah', type: 'phone_number', phone_number: '+44 20 7946 0000' },
    Amount: { id: 'a%3Am', type: 'number', number: n },
    Paid: { id: 'p%3Aa', type: 'checkbox', checkbox: false },
    Kind: { id: 'k%3Ai', type: 'select', select: { id: 'opt1', name: 'Service', color: 'blue' } },
    Stage: { id: 's%3At', type: 'status', status: { id: 'opt2', name: 'In progress', color: 'yellow' } },
    Tags: {
      id: 't%3Aa',
      type: 'multi_select',
      multi_select: [
        { id: 'opt3', name: 'Europe', color: 'green' },
        { id: 'opt4', name: 'Yearly', color: 'red' },
      ],
    },
    Due: { id: 'd%3Au', type: 'date', date: { start: '2026-03-31', end: null, time_zone: null } },
    Owner: { id: 'o%3Aw', type: 'people', people: [person] },
    Number: { id: 'u%3An', type: 'unique_id', unique_id: { prefix: 'INV', number: n } },
    Created: { id: 'c%3Ar', type: 'created_time', created_time: createdTimeOf(n) },
  };
}

function richText(text: string): JsonObject[] {
  const annotations = { bold: false, italic: false, strikethrough: false, underline: false, code: false, color: 'default' };
  return [{ type: 'text', text: { content: text, link: null }, annotations, plain_text: text, href: null }];
}
