import { databaseId, sourceId } from './notion-samples.ts';

export const pageId = '59833787-2cf9-4fdf-8782-e53db20768a5';
export const otherPageId = '0f3b2c1d-5a6e-4b7c-8d9e-0a1b2c3d4e5f';
export const userId = 'c2f20311-9e54-4d11-8c79-7398424ae41e';

/** A row as GET /v1/pages/{id} answers it with Notion-Version 2026-03-11. */
export function page(overrides: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    object: 'page',
    id: pageId,
    created_time: '2026-03-01T19:05:00.000Z',
    last_edited_time: '2026-07-06T19:41:00.000Z',
    created_by: { object: 'user', id: userId },
    last_edited_by: { object: 'user', id: userId },
    cover: null,
    icon: null,
    parent: { type: 'data_source_id', data_source_id: sourceId, database_id: databaseId },
    in_trash: false,
    is_archived: false,
    is_locked: false,
    properties: { Name: { id: 'title', type: 'title', title: richText('Tuscan kale') } },
    url: 'https://app.notion.com/p/598337872cf94fdf8782e53db20768a5',
    public_url: null,
    request_id: 'c0ffee00-0000-4000-8000-000000000002',
    ...overrides,
  };
}

const annotations = { bold: false, italic: false, strikethrough: false, underline: false, code: false, color: 'default' };

export function richText(...parts: readonly string[]): readonly unknown[] {
  return parts.map((part) => ({ type: 'text', text: { content: part, link: null }, annotations, plain_text: part, href: null }));
}

export function mentions(count: number): readonly unknown[] {
  return Array.from({ length: count }, (_, index) => ({
    type: 'mention',
    mention: { type: 'page', page: { id: otherPageId } },
    annotations,
    plain_text: `m${index}`,
    href: null,
  }));
}
