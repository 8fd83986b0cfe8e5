import { plainId } from '@notion-mirror/domain/property-id';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import type { HeldSource, SchemaProperty } from '@notion-mirror/mirror-store/entities/held-sources';
import { openShownRows, type ShownRow } from '@notion-mirror/mirror-store/entities/shown-rows';
import { OperatorError } from '../operator-error.ts';
import { cellText } from './cell-text.ts';
import { parseWhere } from './where.ts';

export interface RowTable {
  readonly source: HeldSource;
  /** The schema, in Notion's order. */
  readonly columns: readonly SchemaProperty[];
  /** The rows in order of created time, read as they are iterated. `cells`: one for each column. Rejects with the store's errors. */
  readonly rows: AsyncGenerator<TableRow, void, undefined>;
}

export interface TableRow {
  readonly row: ShownRow;
  readonly cells: readonly string[];
}

export interface TableOrder {
  /** Conditions as `parseWhere` reads them; all must hold. */
  readonly where: readonly string[];
  /** Null: all. */
  readonly limit: number | null;
}

/** Rows whose relations are looked up together. */
const rowsAtOnce = 100;

/** The rows of a data source as readers see them. Throws an OperatorError when its schema is unknown or a condition makes no sense. */
export function openRowTable(db: Mongo['db'], source: HeldSource, { where, limit }: TableOrder): RowTable {
  const columns = schemaOf(source);
  const conditions = where.map((text) => parseWhere(text, columns));
  return { source, columns, rows: tableRows(db, source, columns, conditions, limit) };
}

/** Throws an OperatorError when it is unknown. */
export function schemaOf({ properties, dataSourceId, databaseId }: HeldSource): readonly SchemaProperty[] {
  if (properties !== null) return properties;
  throw new OperatorError('no_schema', `no connection of the tenant can read the data source ${dataSourceId}`, {
    remedy: `mirror explain ${databaseId}`,
  });
}

async function* tableRows(
  db: Mongo['db'],
  source: HeldSource,
  columns: readonly SchemaProperty[],
  conditions: Parameters<ReturnType<typeof openShownRows>['list']>[1],
  limit: number | null,
): AsyncGenerator<TableRow, void, undefined> {
  const shown = openShownRows(db);
  let some: ShownRow[] = [];
  for await (const row of shown.list(source, conditions, limit)) {
    some.push(row);
    if (some.length < rowsAtOnce) continue;
    yield* withCells(some);
    some = [];
  }
  yield* withCells(some);

  async function* withCells(rows: readonly ShownRow[]): AsyncGenerator<TableRow, void, undefined> {
    const titles = await shown.titles(source.workspaceId, [...new Set(rows.flatMap(relatedOf))]);
    for (const row of rows) {
      const properties = new Map(row.properties.map((property) => [plainId(property.id), property]));
      const cells = columns.map(({ id }) => {
        const property = properties.get(plainId(id));
        return property === undefined ? '' : cellText(property, (pageId) => titles.get(pageId));
      });
      yield { row, cells };
    }
  }
}

/** The ids of the pages that a row's relations name. */
export function relatedOf({ properties }: ShownRow): string[] {
  return properties.flatMap(({ type, value }) => (type === 'relation' && Array.isArray(value) ? value.map(String) : []));
}
