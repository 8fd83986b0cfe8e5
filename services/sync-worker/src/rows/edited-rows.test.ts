import type { AskForEditedRows } from '@notion-mirror/notion-source/row-query';
import { expect, test } from 'vitest';
import { editedRows, type EditedRowsEnd } from './edited-rows.ts';

async function endOf(ask: AskForEditedRows): Promise<EditedRowsEnd> {
  const pages = editedRows(ask, { partition: 'live', since: 0, mostCalls: Number.POSITIVE_INFINITY });
  for (;;) {
    const step = await pages.next();
    if (step.done === true) return step.value;
  }
}

test('a query that gives the same cursor again and again ends, and proves nothing', async () => {
  let calls = 0;
  const ask = async () => {
    calls += 1;
    if (calls > 100) throw new Error('it never ends');
    return { kind: 'page', startedAt: calls, rows: [], nextCursor: 'same', isIncomplete: false } as const;
  };
  expect(await endOf(ask)).toBe('stuck');
});

test('a result at the cap was not read to its end, on whichever page Notion says so', async () => {
  const page = { kind: 'page', startedAt: 0, rows: [] } as const;
  const ask = async ({ cursor }: { readonly cursor: string | null }) =>
    cursor === null ? { ...page, nextCursor: 'second', isIncomplete: true } : { ...page, nextCursor: null, isIncomplete: false };
  expect(await endOf(ask)).toBe('too_many');
});
