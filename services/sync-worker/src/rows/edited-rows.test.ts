import { expect, test } from 'vitest';
import { editedRows, type EditedRowsEnd } from './edited-rows.ts';

test('a query that gives the same cursor again and again ends, and proves nothing', async () => {
  let calls = 0;
  const ask = async () => {
    calls += 1;
    if (calls > 100) throw new Error('it never ends');
    return { kind: 'page', startedAt: calls, rows: [], nextCursor: 'same', isIncomplete: false } as const;
  };
  const pages = editedRows(ask, { partition: 'live', since: 0, mostCalls: Number.POSITIVE_INFINITY });
  let end: EditedRowsEnd | null = null;
  while (end === null) {
    const step = await pages.next();
    if (step.done === true) end = step.value;
  }
  expect(end).toBe('stuck');
});
