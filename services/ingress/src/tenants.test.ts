import type { Connection } from '@notion-mirror/domain/connection';
import { describe, expect, test } from 'vitest';
import { createFindConnections, onePerTenant } from './tenants.ts';
import type { DatabaseNotice } from './webhook-body.ts';

const notionWorkspaceId = '13950b26-c203-4f3b-b97d-93ec06319565';

const connection = (connectionId: string, workspaceId: string, change: Partial<Connection> = {}): Connection => ({
  connectionId,
  providerConfigKey: 'notion',
  workspaceId,
  notionWorkspaceId,
  botId: `bot-of-${connectionId}`,
  status: 'active',
  statusReason: null,
  token: null,
  createdAt: new Date(0),
  updatedAt: new Date(0),
  ...change,
});

const notice = (accessibleBy: readonly string[] = []): DatabaseNotice => ({
  eventId: 'c00e2ea7-032a-4e20-ae05-d69028a09ae9',
  type: 'database.moved',
  kind: 'sync',
  notionWorkspaceId,
  databaseId: '153104cd-477e-80eb-ae76-e1c2a32c7b35',
  dataSourceId: null,
  pageId: null,
  occurredAt: new Date(0),
  accessibleBy,
});

const ids = (connections: readonly Connection[]) => connections.map(({ connectionId }) => connectionId);

describe('onePerTenant', () => {
  const several = [connection('c3', 'acme'), connection('c1', 'acme'), connection('c4', 'beta'), connection('c2', 'acme', { botId: null })];

  test('takes the first by id when no bot is known to see the entity', () => {
    expect(ids(onePerTenant(several, []))).toEqual(['c1', 'c4']);
    expect(ids(onePerTenant(several.toReversed(), ['bot-of-another']))).toEqual(['c1', 'c4']);
  });

  test('prefers the first whose bot can read the entity', () => {
    expect(ids(onePerTenant(several, ['bot-of-c3']))).toEqual(['c3', 'c4']);
    expect(ids(onePerTenant(several.toReversed(), ['bot-of-c3', 'bot-of-c1']))).toEqual(['c1', 'c4']);
  });

  test('a tenant whose bots are not listed still gets the event', () => {
    expect(ids(onePerTenant(several, ['bot-of-c4']))).toEqual(['c1', 'c4']);
  });
});

function directoryOf(connections: Connection[], whenAsked: Connection[] = []) {
  const known = new Map(connections.map((each) => [each.connectionId, each]));
  const asked: object[] = [];
  return {
    asked,
    byId: (id: string) => known.get(id) ?? null,
    activeByNotionWorkspace: (id: string) =>
      [...known.values()].filter((each) => each.status === 'active' && each.notionWorkspaceId === id),
    refresh(question: object) {
      asked.push(question);
      for (const each of whenAsked) known.set(each.connectionId, each);
      return Promise.resolve(true);
    },
  };
}

describe('findConnections', () => {
  const named = { connectionId: 'c1', providerConfigKey: 'notion' };

  test('only a named connection gets the event', async () => {
    const directory = directoryOf([connection('c1', 'acme'), connection('c2', 'acme'), connection('c3', 'beta')]);
    expect(ids(await createFindConnections(directory)(notice(['bot-of-c2']), named))).toEqual(['c1']);
    expect(directory.asked).toEqual([]);
  });

  test.each([
    ['is not known', []],
    ['is paused', [connection('c1', 'acme', { status: 'paused' })]],
    ['is unauthorized', [connection('c1', 'acme', { status: 'unauthorized' })]],
    ['is deleted', [connection('c1', 'acme', { status: 'deleted' })]],
    ['belongs to another integration', [connection('c1', 'acme', { providerConfigKey: 'notion-eu' })]],
  ])('one that %s is looked up once, then no tenant gets the event', async (_what, connections) => {
    const directory = directoryOf([...connections, connection('c2', 'acme')]);
    expect(await createFindConnections(directory)(notice(), named)).toEqual([]);
    expect(directory.asked).toEqual([{ connectionId: 'c1' }]);
  });

  test('one added a moment ago is found by a lookup', async () => {
    const directory = directoryOf([], [connection('c1', 'acme')]);
    expect(ids(await createFindConnections(directory)(notice(), named))).toEqual(['c1']);
  });

  test('without a named connection every tenant of the Notion workspace gets it', async () => {
    const directory = directoryOf([
      connection('c1', 'acme'),
      connection('c2', 'beta'),
      connection('c3', 'gamma', { status: 'paused' }),
      connection('c4', 'delta', { notionWorkspaceId: 'another' }),
    ]);
    expect(ids(await createFindConnections(directory)(notice(), null))).toEqual(['c1', 'c2']);
    expect(directory.asked).toEqual([]);
  });

  test('a Notion workspace without a known connection is looked up', async () => {
    const directory = directoryOf([], [connection('c1', 'acme')]);
    expect(ids(await createFindConnections(directory)(notice(), null))).toEqual(['c1']);
    expect(directory.asked).toEqual([{ notionWorkspaceId }]);
  });
});
