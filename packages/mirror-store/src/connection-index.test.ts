import type { Connection } from '@notion-mirror/domain/connection';
import { expect, test } from 'vitest';
import { createConnectionIndex } from './connection-index.ts';

const connection = (connectionId: string, change: Partial<Connection> = {}): Connection => ({
  connectionId,
  providerConfigKey: 'notion',
  workspaceId: 'acme',
  notionWorkspaceId: 'notion-1',
  botId: null,
  status: 'active',
  statusReason: null,
  token: null,
  createdAt: new Date(1000),
  updatedAt: new Date(1000),
  ...change,
});

test('finds by id, tenant and Notion workspace, oldest first', () => {
  const index = createConnectionIndex();
  const a = connection('a', { createdAt: new Date(3000) });
  const b = connection('b', { workspaceId: 'globex' });
  const c = connection('c', { createdAt: new Date(2000) });
  for (const each of [a, b, c]) index.set(each);
  expect(index.byId('b')).toBe(b);
  expect(index.ofWorkspace('acme')).toEqual([c, a]);
  expect(index.ofNotionWorkspace('notion-1')).toEqual([b, c, a]);
  expect(index.ofWorkspace('unknown')).toEqual([]);
});

test('a moved connection is found only under its new keys', () => {
  const index = createConnectionIndex();
  const before = connection('a');
  const after = connection('a', { workspaceId: 'globex', notionWorkspaceId: 'notion-2' });
  index.set(before);
  expect(index.set(after)).toEqual({ previous: before, connection: after });
  expect(index.ofWorkspace('acme')).toEqual([]);
  expect(index.ofNotionWorkspace('notion-1')).toEqual([]);
  expect(index.ofWorkspace('globex')).toEqual([after]);
  expect(index.delete('a')).toEqual({ previous: after, connection: null });
  expect([...index.all()]).toEqual([]);
});

test('setting an equal connection is no change', () => {
  const index = createConnectionIndex();
  index.set(connection('a'));
  expect(index.set(connection('a'))).toBeNull();
  expect(index.delete('b')).toBeNull();
  expect(index.set(connection('a', { updatedAt: new Date(1001) }))).not.toBeNull();
});
