import type { NotionSource, RowOutcome } from '@notion-mirror/notion-source/notion-source';
import { expect, test } from 'vitest';
import { someRow } from '../../../../packages/mirror-store/test/rows.ts';
import { connectionOf } from '../../test/scan-world.ts';
import { createStaleAnswers } from '../consume/stale-answers.ts';
import { createReadRowSingly, type RowToRead } from './read-row-singly.ts';
import { createRowSync } from './sync-row.ts';

const connection = connectionOf('c1');
const held = {
  rev: 3,
  asOf: 100,
  syncedAt: 100,
  source: 'fetch',
  live: true,
  connectionId: 'c1',
  removed: null,
  databaseId: 'd1',
  dataSourceId: 's1',
  createdTime: null,
} as const;
const row: RowToRead = {
  pageId: 'p1',
  dataSourceId: 's1',
  connection,
  event: { occurredAt: 5_000, receivedAt: 6_000 },
  scanId: 'scan-1',
  attempt: 2,
  ifUnreadable: 'keep',
  onChange: () => Promise.resolve(),
};

/** A mirror with one row, and what Notion answers. */
function reading(outcome: RowOutcome, record: Omit<typeof held, 'asOf'> & { asOf: number } = held) {
  const asked: Parameters<NotionSource['fetchRow']>[0][] = [];
  const writes: unknown[] = [];
  const write = async (given: unknown) => {
    writes.push(given);
    return { kind: 'written' } as const;
  };
  const read = createReadRowSingly({
    openSync: (parts) =>
      createRowSync({
        ...parts,
        parents: {
          has: async () => true,
          isOff: async () => false,
          problemOf: async () => null,
          reasonFor: async () => 'database_removed',
        },
        documents: { read: async () => ({ fields: {}, version: '', connectionId: null, problem: null }) },
        staleAnswers: createStaleAnswers(new Set(), () => 9_000),
        toleranceMs: 10,
        now: () => 9_000,
      }),
    records: { recall: () => null, read: async () => record, writeLive: write, writeTombstone: write },
    notion: {
      async fetchRow(asking) {
        asked.push(asking);
        return outcome;
      },
    },
    dependents: { existFor: async () => true },
  });
  return { read: (change: Partial<RowToRead> = {}) => read({ ...row, ...change }, new AbortController().signal), asked, writes };
}

test('a row is read through the connection, within the part of the budget for scans, and written without an event', async () => {
  const content = someRow({ dataSourceId: 's1' });
  const { read, asked, writes } = reading({ kind: 'live', content, connectionId: 'c2' });
  expect(await read()).toEqual({ kind: 'settled' });
  expect(asked).toMatchObject([{ pageId: 'p1', isSpare: true, preferConnectionId: 'c1', attempt: 2 }]);
  expect(writes).toMatchObject([
    { id: 'p1', expected: held, content, connectionId: 'c2', asOf: new Date(9_000), lastEvent: null, seenBy: 'page' },
  ]);
});

test('a row that was fetched after the time of the event is not read', async () => {
  const { read, asked } = reading({ kind: 'inaccessible' }, { ...held, asOf: 6_011 });
  expect(await read()).toEqual({ kind: 'skipped' });
  expect(asked).toEqual([]);
});

test('a row that no connection can read stays, unless it is to be removed', async () => {
  const { read, writes } = reading({ kind: 'inaccessible' });
  expect(await read()).toEqual({ kind: 'kept' });
  expect(writes).toEqual([]);
  expect(await read({ ifUnreadable: 'remove' })).toEqual({ kind: 'settled' });
  expect(writes).toMatchObject([{ reason: 'inaccessible', eventId: 'scan-1', source: 'fetch' }]);
});

test.each([
  [{ kind: 'trashed', connectionId: 'c1' }, 'trashed'],
  [{ kind: 'moved_away', parent: { type: 'page_id', id: 'x' }, connectionId: 'c1' }, 'moved_away'],
] as const)('a row that says itself that it is elsewhere goes at once: %j', async (outcome, reason) => {
  const { read, writes } = reading(outcome);
  expect(await read()).toEqual({ kind: 'settled' });
  expect(writes).toMatchObject([{ reason }]);
});

test('a failure is returned as it is', async () => {
  const failure = { class: 'unexpected', code: 'malformed_object', message: 'no properties' } as const;
  expect(await reading({ kind: 'failed', failure }).read()).toEqual({ kind: 'failed', failure });
});
