import { plainId } from '@notion-mirror/domain/property-id';
import type { RowProperty } from '@notion-mirror/domain/entities/row';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import type { HeldSource, SchemaProperty } from '@notion-mirror/mirror-store/entities/held-sources';
import { openShownRows, type RowPlace, type ShownRow } from '@notion-mirror/mirror-store/entities/shown-rows';
import { pageReads } from '@notion-mirror/mirror-store/page-reads';
import { cellText } from './cell-text.ts';
import { relatedOf, schemaOf } from './row-table.ts';
import { parseWhere } from './where.ts';

/** A property's value of one row, for a person and by its type. */
export interface TypedCell {
  readonly text: string;
  readonly value: RowProperty['value'];
  readonly resultType: string | null;
  /** Of a relation. `title`: null when the mirror does not show the page. */
  readonly links: readonly { readonly pageId: string; readonly title: string | null }[];
  readonly isCut: boolean;
}

export interface TypedRow {
  readonly row: ShownRow;
  /** One for each column; null: the row has no such property. */
  readonly cells: readonly (TypedCell | null)[];
}

export interface RowPage {
  readonly columns: readonly SchemaProperty[];
  readonly rows: readonly TypedRow[];
  /** The last row, when more come after it. */
  readonly last: RowPlace | null;
}

/**
 * The rows after a place, in order of created time. Conditions as `parseWhere` reads them. Rejects with an OperatorError as `openRowTable` throws it, and with the
 * store's errors, also when MongoDB takes longer than two seconds.
 */
export async function readRowPage(
  db: Mongo['db'],
  source: HeldSource,
  { where, after, limit }: { readonly where: readonly string[]; readonly after: RowPlace | null; readonly limit: number },
): Promise<RowPage> {
  const columns = schemaOf(source);
  const conditions = where.map((text) => parseWhere(text, columns));
  const found: ShownRow[] = [];
  for await (const row of openShownRows(db, pageReads).list(source, conditions, limit + 1, after)) found.push(row);
  const shown = found.slice(0, limit);
  const last = found.length > limit ? (shown.at(-1) ?? null) : null;
  return { columns, rows: await withCells(db, source.workspaceId, columns, shown), last };
}

/** Null: the mirror does not show it. `schema`: of its data source; null when it is not known. */
export async function readTypedRow(
  db: Mongo['db'],
  { workspaceId, pageId }: { readonly workspaceId: string; readonly pageId: string },
  schema: readonly SchemaProperty[] | null,
): Promise<{ readonly row: TypedRow; readonly columns: readonly SchemaProperty[] } | null> {
  const row = await openShownRows(db, pageReads).read(workspaceId, pageId);
  if (row === null) return null;
  const columns = schema ?? row.properties.map(({ id, name, type }) => ({ id, name, type }));
  const [typed] = await withCells(db, workspaceId, columns, [row]);
  return typed === undefined ? null : { row: typed, columns };
}

async function withCells(
  db: Mongo['db'],
  workspaceId: string,
  columns: readonly SchemaProperty[],
  rows: readonly ShownRow[],
): Promise<TypedRow[]> {
  const titles = await openShownRows(db, pageReads).titles(workspaceId, [...new Set(rows.flatMap(relatedOf))]);
  return rows.map((row) => {
    const properties = new Map(row.properties.map((property) => [plainId(property.id), property]));
    return {
      row,
      cells: columns.map(({ id }) => {
        const property = properties.get(plainId(id));
        return property === undefined ? null : cellOf(property, titles);
      }),
    };
  });
}

function cellOf(property: RowProperty, titles: ReadonlyMap<string, string>): TypedCell {
  const { type, value, resultType, complete } = property;
  const related = type === 'relation' && Array.isArray(value) ? value.map(String) : [];
  return {
    text: cellText(property, (pageId) => titles.get(pageId)),
    value,
    resultType: resultType ?? null,
    links: related.map((pageId) => ({ pageId, title: titles.get(pageId) ?? null })),
    isCut: complete === false,
  };
}
