import type { Json, JsonObject } from '@notion-mirror/domain/database-content';
import type { RowTable, TableRow } from '@notion-mirror/operations/rows/row-table';
import { count, oneLine } from '@notion-mirror/operations/text';
import { table, type Cell, type Colors } from './output.ts';

const longestCell = 40;

export function rowTableJson({ source, columns }: RowTable, rows: readonly TableRow[], hasMore: boolean): JsonObject {
  const { workspaceId, databaseId, database, dataSourceId, name } = source;
  return {
    workspaceId,
    databaseId,
    database,
    dataSourceId,
    name,
    columns: columns.map((column) => ({ ...column })),
    rows: rows.map(rowJson),
    hasMore,
  };
}

/** The fields of the document, with times as text. */
function rowJson({ row }: TableRow): Json {
  return JSON.parse(JSON.stringify(row)) as Json;
}

/** One object for each row. Ends at `limit`. */
export async function* jsonLines({ rows }: RowTable, limit: number | null): AsyncGenerator<string, void, undefined> {
  for await (const row of atMost(rows, limit)) yield JSON.stringify(rowJson(row));
}

/** RFC 4180, with a head. Ends at `limit`. */
export async function* csvLines({ columns, rows }: RowTable, limit: number | null): AsyncGenerator<string, void, undefined> {
  yield csvLine(['pageId', ...columns.map(({ name }) => name), 'isArchived']);
  for await (const { row, cells } of atMost(rows, limit)) yield csvLine([row.pageId, ...cells, String(row.isArchived)]);
}

async function* atMost<T>(all: AsyncIterable<T>, limit: number | null): AsyncGenerator<T, void, undefined> {
  let left = limit ?? Number.POSITIVE_INFINITY;
  for await (const one of all) {
    if (left === 0) return;
    left -= 1;
    yield one;
  }
}

function csvLine(cells: readonly string[]): string {
  return `${cells.map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',')}\r\n`;
}

export function renderRowTable({ source, columns }: RowTable, rows: readonly TableRow[], hasMore: boolean, colors: Colors): string {
  const title = `${oneLine(source.database)} › ${oneLine(source.name)}`;
  if (rows.length === 0) return `${colors.bold(title)}: no such row.`;
  const head = [...columns.map(({ name }) => name), 'PAGE'].map((text): Cell => ({ text: shortened(text), style: colors.dim }));
  const lines = rows.map(({ row, cells }) => {
    const page = row.isArchived ? `${row.pageId} archived` : row.pageId;
    return [...cells.map(shortened), { text: page, style: colors.dim }];
  });
  const more = hasMore ? [`The first ${rows.length}; --limit shows more.`] : [`${count(rows.length, 'row')}.`];
  return [colors.bold(title), table([head, ...lines]), ...more].join('\n');
}

function shortened(text: string): string {
  const line = oneLine(text);
  return line.length <= longestCell
    ? line
    : `${Array.from(line)
        .slice(0, longestCell - 1)
        .join('')}…`;
}
