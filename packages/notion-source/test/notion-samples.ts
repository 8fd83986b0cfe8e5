import type { Connection } from '@notion-mirror/domain/connection';
import type { Reply } from './scripted-server.ts';

export const databaseId = '248104cd-477e-80fd-b757-e945d38000bd';
export const sourceId = 'bc1211ca-e3f1-4939-ae34-5260b16f627c';
export const otherSourceId = '263104cd-477e-804b-8c32-000b2fcd241a';

/** The container of Notion's upgrade guide for 2025-09-03. */
export function container(overrides: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    object: 'database',
    id: databaseId,
    title: [],
    parent: { type: 'page_id', page_id: '255104cd-477e-808c-b279-d39ab803a7d2' },
    is_inline: false,
    in_trash: false,
    created_time: '2025-08-07T10:11:07.504-07:00',
    last_edited_time: '2025-08-10T15:53:11.386-07:00',
    data_sources: [{ id: sourceId, name: 'My Task Tracker' }],
    icon: null,
    cover: null,
    ...overrides,
  };
}

/** The data source of Notion's reference. */
export function dataSource(overrides: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    object: 'data_source',
    id: sourceId,
    created_time: '2021-07-08T23:50:00.000Z',
    last_edited_time: '2021-07-08T23:50:00.000Z',
    properties: {
      'In stock': { id: 'fk%5EY', name: 'In stock', type: 'checkbox', checkbox: {} },
      Name: { id: 'title', name: 'Name', type: 'title', title: {} },
    },
    parent: { type: 'database_id', database_id: databaseId },
    database_parent: { type: 'page_id', page_id: '98ad959b-2b6a-4774-80ee-00246fb0ea9b' },
    ...overrides,
  };
}

/** An error as Notion sends it. */
export function notionError(status: number, code: string, more: { message?: string; reason?: string; retryAfter?: string } = {}): Reply {
  return {
    status,
    headers: more.retryAfter === undefined ? {} : { 'retry-after': more.retryAfter },
    body: {
      object: 'error',
      status,
      code,
      message: more.message ?? `${code} happened.`,
      ...(more.reason === undefined ? {} : { additional_data: { rate_limit_reason: more.reason } }),
      request_id: 'c0ffee00-0000-4000-8000-000000000001',
    },
  };
}

export const notFound = notionError(404, 'object_not_found', {
  message: `Could not find database with ID: ${databaseId}. Make sure the relevant pages and databases are shared with your integration "Mirror".`,
});
export const unauthorized = notionError(401, 'unauthorized', { message: 'API token is invalid.' });

export function connection(connectionId: string, overrides: Partial<Connection> = {}): Connection {
  return {
    connectionId,
    providerConfigKey: 'notion',
    workspaceId: 'tenant-1',
    notionWorkspaceId: '13950b26-c203-4f3b-b97d-93ec06319565',
    botId: null,
    status: 'active',
    statusReason: null,
    token: null,
    createdAt: new Date('2026-01-05T10:00:00.000Z'),
    updatedAt: new Date('2026-01-05T10:00:00.000Z'),
    ...overrides,
  };
}
