import type { Connection } from '@notion-mirror/domain/connection';
import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import { expect, it } from 'vitest';
import { appendFullSync } from './full-sync.ts';

const connection: Connection = {
  connectionId: 'connection-1',
  providerConfigKey: 'notion',
  workspaceId: 'acme',
  notionWorkspaceId: '13950b26-c203-4f3b-b97d-93ec06319565',
  botId: null,
  status: 'active',
  statusReason: null,
  token: null,
  createdAt: new Date(0),
  updatedAt: new Date(0),
};
const ids = ['248104cd-477e-80fd-b757-e945d38000bd', '59833787-2cf9-4fdf-8782-e53db20768a5', '2a8104cd-477e-80fd-b757-e945d38000be'];
const lastEditedTime = new Date('2026-11-25T11:00:00Z');

function deps(append: (event: DatabaseEvent) => Promise<void>, betweenPages: () => Promise<void> = async () => {}) {
  return {
    append,
    now: () => Date.parse('2026-11-25T12:00:00Z'),
    mirroredDatabases: async () => [ids[0] as string],
    notion: {
      async *searchDataSources() {
        await betweenPages();
        yield { databaseId: ids[0] as string, dataSourceId: 'source-1', lastEditedTime };
        yield { databaseId: ids[1] as string, dataSourceId: 'source-2', lastEditedTime };
        yield { databaseId: null, dataSourceId: ids[2] as string, lastEditedTime };
      },
    },
  };
}

it('appends one event for each database that the mirror holds or Notion shows, with the same ids each time', async () => {
  const runs: DatabaseEvent[][] = [[], []];
  for (const events of runs) {
    const count = await appendFullSync(
      deps(async (event) => void events.push(event)),
      connection,
      'request',
      new AbortController().signal,
    );
    expect(count).toBe(3);
  }
  const [first = [], second = []] = runs;
  expect(first.map(({ databaseId, dataSourceId }) => [databaseId, dataSourceId])).toEqual([
    [ids[0], null],
    [ids[1], null],
    [null, ids[2]],
  ]);
  expect(second.map(({ eventId }) => eventId)).toEqual(first.map(({ eventId }) => eventId));
});

// Found by the fault suite: the rejection had no listener yet, and the worker ended.
it('an append that fails while Notion is still searched makes the full sync fail, and not the process', async () => {
  const refused = new Error('not acknowledged');
  const unheard: unknown[] = [];
  const listen = (reason: unknown): void => void unheard.push(reason);
  process.on('unhandledRejection', listen);
  const failing = deps(
    async () => {
      throw refused;
    },
    () => new Promise((resolve) => setTimeout(resolve, 20)),
  );
  await expect(appendFullSync(failing, connection, 'request', new AbortController().signal)).rejects.toBe(refused);
  process.off('unhandledRejection', listen);
  expect(unheard).toEqual([]);
});
