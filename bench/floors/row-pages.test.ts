import { parseQuery, type FoundRow } from '@notion-mirror/notion-source/row-document';
import { expect, test } from 'vitest';
import { createdTimeOf, newTable, pageIdOf, placeOf, rowAnswer } from '../row-answers.ts';
import { createRowAnswers } from './row-pages.ts';

interface Page {
  readonly results: readonly { readonly id: string; readonly last_edited_time: string }[];
  readonly next_cursor: string | null;
  readonly request_status?: unknown;
}

const ask = (answers: ReturnType<typeof createRowAnswers>, dataSourceId: string, body: object) => {
  const text = answers.query(dataSourceId, body);
  return { text, page: JSON.parse(text) as Page };
};

test('a row of a query is what the sample says', () => {
  const { dataSourceId } = newTable(250);
  const { text, page } = ask(createRowAnswers(), dataSourceId, { page_size: 100, start_cursor: '200' });
  expect(page.results).toEqual(Array.from({ length: 50 }, (_, n) => rowAnswer(dataSourceId, 200 + n)));
  expect(page.next_cursor).toBe(null);
  const parsed = parseQuery(JSON.parse(text), text, dataSourceId);
  const found: readonly FoundRow[] = parsed.kind === 'parsed' ? parsed.value.rows : [];
  expect(found.map(({ id }) => placeOf(id))).toEqual(Array.from({ length: 50 }, (_, n) => ({ dataSourceId, n: 200 + n })));
});

test('windows of created time hold every row once, and the cap is said', () => {
  const { dataSourceId } = newTable(12_010);
  const answers = createRowAnswers();
  const readAll = (filter: object) => {
    const ids: string[] = [];
    let cursor: string | null = null;
    let status: unknown;
    do {
      const body = { page_size: 100, ...filter, ...(cursor === null ? {} : { start_cursor: cursor }) };
      const { page } = ask(answers, dataSourceId, body);
      ids.push(...page.results.map(({ id }) => id));
      cursor = page.next_cursor;
      status = page.request_status;
    } while (cursor !== null);
    return { ids, status };
  };
  const first = readAll({});
  expect(first).toMatchObject({ status: { type: 'incomplete' } });
  expect(first.ids).toHaveLength(10_000);
  const from = createdTimeOf(10_000);
  const rest = readAll({ filter: { timestamp: 'created_time', created_time: { on_or_after: from } } });
  expect(rest.status).toBe(undefined);
  expect([...first.ids, ...rest.ids]).toEqual(Array.from({ length: 12_010 }, (_, n) => pageIdOf(dataSourceId, n)));
  const within = { and: [{ created_time: { on_or_after: createdTimeOf(20) } }, { created_time: { before: createdTimeOf(40) } }] };
  expect(readAll({ filter: within }).ids).toHaveLength(20);
  expect(readAll({ is_archived: true }).ids).toEqual([]);
});

test('a row that was read singly was edited, and queries show that', () => {
  const { dataSourceId } = newTable(1);
  const answers = createRowAnswers();
  const read = JSON.parse(answers.page(pageIdOf(dataSourceId, 0))) as Page['results'][number];
  expect(read.last_edited_time > createdTimeOf(0)).toBe(true);
  expect(ask(answers, dataSourceId, {}).page.results).toEqual([read]);
});
