import type { TypedCell, TypedRow } from '@notion-mirror/operations/rows/row-page';
import type { Json } from '../answers/common.ts';
import type { Cell, RowLine } from '../answers/rows.ts';

export function rowLine({ row, cells }: TypedRow): RowLine {
  const { pageId, properties, url, isArchived, createdTime, lastEditedTime } = row;
  return {
    pageId,
    title: titleOf(properties),
    url,
    isArchived,
    createdTime: createdTime?.toISOString() ?? null,
    lastEditedTime: lastEditedTime?.toISOString() ?? null,
    cells: cells.map((cell) => (cell === null ? null : cellView(cell))),
  };
}

function titleOf(properties: TypedRow['row']['properties']): string {
  const title = properties.find(({ type }) => type === 'title')?.value;
  return typeof title === 'string' ? title : '';
}

function cellView({ value, ...cell }: TypedCell): Cell {
  return { ...cell, value: plainJson(value) };
}

/** Values of a document as JSON, dates as texts. */
export function plainJson(value: unknown): Json {
  return value === undefined ? null : (JSON.parse(JSON.stringify(value)) as Json);
}
