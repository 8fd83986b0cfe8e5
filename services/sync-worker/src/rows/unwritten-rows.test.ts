import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import type { ScanWish } from '@notion-mirror/mirror-store/data-source-contents';
import { expect, test } from 'vitest';
import type { SyncedWork } from '../consume/sync-entity.ts';
import { withUnwrittenRows } from './unwritten-rows.ts';

const unwritable: SyncedWork = { kind: 'unwritable', message: 'the document is nested deeper than 100 levels' };
const written: SyncedWork = { kind: 'settled', outcome: 'written', trail: null, calls: 1 };

test.each([
  ['a row that cannot be stored', unwritable, 's1', 1],
  ['a row of no known data source', unwritable, null, 0],
  ['a row that was written', written, 's1', 0],
])('%s: the wanted scans', async (_, result, dataSourceId, count) => {
  const wishes: unknown[] = [];
  const want = async (source: object, wish: ScanWish) => {
    wishes.push({ ...source, ...wish });
    return true;
  };
  const sync = withUnwrittenRows({ contents: { want }, now: () => 7 }, () => Promise.resolve(result));
  const work = { lane: 'acme', task: 'page:p1', items: [], attempt: 1, signal: new AbortController().signal };
  const event = { workspaceId: 'acme', dataSourceId, pageId: 'p1' } as DatabaseEvent;
  expect(await sync(work, event, 'p1')).toBe(result);
  const wish = { workspaceId: 'acme', dataSourceId, reasons: ['unwritten'], depth: 'edited', at: new Date(7), dueAt: new Date(7) };
  expect(wishes).toEqual(Array.from({ length: count }, () => ({ ...wish, raisesAll: false })));
});
