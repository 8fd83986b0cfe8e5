import { z } from 'zod';
import { createdTimeOf, firstRowAt, newTable, pageIdOf, placeOf, rowAnswer, rowsOf } from '../row-answers.ts';

/** As Notion's: a query returns no more rows, and says so. */
const cap = 10_000;

const bound = z.object({ on_or_after: z.string().optional(), before: z.string().optional() });
/** Rows were last edited when they were created, so both times are the same condition. */
const condition = z
  .union([z.object({ created_time: bound }), z.object({ last_edited_time: bound })])
  .transform((found) => ('created_time' in found ? found.created_time : found.last_edited_time));
const filter = z.union([z.object({ and: z.array(condition) }).transform(({ and }) => and), condition.transform((one) => [one])]);
const queryBody = z.object({
  is_archived: z.boolean().default(false),
  page_size: z.number().default(100),
  start_cursor: z.string().optional(),
  filter: filter.default([]),
});

export interface RowAnswers {
  /** The row, which was edited in this minute: a row is read singly because an event announced an edit. */
  page(pageId: string): string;
  /** A page of the rows of a data source, in order of created time; none of them is archived. */
  query(dataSourceId: string, body: unknown): string;
}

/** Makes rows up as they are asked for. Only edits are remembered. */
export function createRowAnswers(): RowAnswers {
  const edits = new Map<string, string>();
  const render = renderer();
  return {
    page(pageId) {
      const { dataSourceId, n } = placeOf(pageId);
      const at = `${new Date().toISOString().slice(0, 16)}:00.000Z`;
      edits.set(pageId, at);
      return render(dataSourceId, n, at);
    },
    query(dataSourceId, received) {
      const { is_archived: isArchived, page_size: size, start_cursor: cursor, filter: bounds } = queryBody.parse(received);
      const all = isArchived ? 0 : rowsOf(dataSourceId);
      const from = bounds.reduce((first, { on_or_after: time }) => (time === undefined ? first : Math.max(first, firstRowAt(time))), 0);
      const until = bounds.reduce((last, { before }) => (before === undefined ? last : Math.min(last, firstRowAt(before))), all);
      const end = Math.min(until, from + cap);
      const start = cursor === undefined ? from : Number(cursor);
      const next = Math.min(end, start + size);
      const results: string[] = [];
      for (let n = start; n < next; n += 1) {
        results.push(render(dataSourceId, n, edits.get(pageIdOf(dataSourceId, n)) ?? createdTimeOf(n)));
      }
      const isCut = until - from > cap ? ',"request_status":{"type":"incomplete","incomplete_reason":"query_result_limit_reached"}' : '';
      const more = next < end ? `"next_cursor":"${next}","has_more":true` : '"next_cursor":null,"has_more":false';
      return `{"object":"list","type":"page_or_data_source","page_or_data_source":{},${more}${isCut},"results":[${results.join(',')}]}`;
    },
  };
}

/** JSON of one row is rendered once; the others differ in ids, times and numbers. */
function renderer(): (dataSourceId: string, n: number, lastEditedTime: string) => string {
  const sample = 98_765_432;
  const { dataSourceId, databaseId } = newTable(sample);
  const [pageId, created, edited] = [pageIdOf(dataSourceId, sample), createdTimeOf(sample), '1999-12-31T23:59:00.000Z'];
  const marks = [pageId, pageId.replaceAll('-', ''), dataSourceId, databaseId, created, edited, String(sample)];
  const parts = JSON.stringify(rowAnswer(dataSourceId, sample, edited)).split(new RegExp(`(${marks.join('|')})`));
  const places = parts.map((part) => marks.indexOf(part));
  return (source, n, lastEditedTime) => {
    const id = pageIdOf(source, n);
    const values = [id, id.replaceAll('-', ''), source, `0${source.slice(1)}`, createdTimeOf(n), lastEditedTime, String(n)];
    let text = '';
    for (const [index, part] of parts.entries()) text += values[places[index] ?? -1] ?? part;
    return text;
  };
}
