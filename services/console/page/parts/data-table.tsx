import { Table } from '@mantine/core';
import {
  columnVisibilityFeature,
  tableFeatures,
  useTable,
  type ColumnDef,
  type ColumnVisibilityState,
  type RowData,
} from '@tanstack/react-table';
import { lazy, Suspense, useMemo, type ReactNode } from 'react';
import { Scroll } from './scroll.tsx';

const features = tableFeatures({ columnVisibilityFeature });

export interface Column<T> {
  readonly id: string;
  readonly header: ReactNode;
  readonly cell: (row: T) => ReactNode;
  /** Numbers are aligned at their end. */
  readonly isNumber?: boolean;
}

interface DataTableProps<T> {
  /** What the table shows, for a screen reader. */
  readonly label: string;
  /** Stable between renders, as `rows`. */
  readonly columns: readonly Column<T>[];
  readonly rows: readonly T[];
  readonly keyOf: (row: T) => string;
  /** Ids of columns that are left out. */
  readonly hidden?: readonly string[];
  readonly isNew?: (row: T) => boolean;
}

/** Above this many rows, only those in sight are in the document. */
const virtualFrom = 120;
/** Few tables are so long: not of the first load. */
const RowsInSight = lazy(async () => ({ default: (await import('./rows-in-sight.tsx')).RowsInSight }));

/** A table whose rows `j` and `k` walk by the first link of each. It scrolls sideways in itself, with the window downwards. */
export function DataTable<T extends RowData>({ label, columns, rows, keyOf, hidden, isNew }: DataTableProps<T>) {
  const defined = useMemo(
    () =>
      columns.map(({ id, header, cell }): ColumnDef<typeof features, T> => ({
        id,
        header: () => header,
        cell: ({ row }) => cell(row.original),
      })),
    [columns],
  );
  const columnVisibility = useMemo((): ColumnVisibilityState => Object.fromEntries((hidden ?? []).map((id) => [id, false])), [hidden]);
  const table = useTable({ features, columns: defined, data: rows, getRowId: keyOf, state: { columnVisibility } });
  const numbers = useMemo(() => new Set(columns.filter(({ isNumber }) => isNumber === true).map(({ id }) => id)), [columns]);
  const all = table.getRowModel().rows;
  const isVirtual = all.length > virtualFrom;

  const rowAt = (index: number, measure?: (element: HTMLTableRowElement | null) => void) => {
    const row = all[index];
    if (row === undefined) return null;
    return (
      <Table.Tr
        key={row.id}
        data-index={index}
        ref={measure}
        aria-rowindex={isVirtual ? index + 2 : undefined}
        className={isNew?.(row.original) === true ? 'new' : undefined}
      >
        {row.getVisibleCells().map((cell) => (
          <Table.Td key={cell.id} className={numbers.has(cell.column.id) ? 'num' : undefined}>
            <table.FlexRender cell={cell} />
          </Table.Td>
        ))}
      </Table.Tr>
    );
  };
  return (
    <Scroll kind="wide" label={label}>
      <Table aria-rowcount={isVirtual ? all.length + 1 : undefined}>
        <Table.Thead>
          {table.getHeaderGroups().map((group) => (
            <Table.Tr key={group.id}>
              {group.headers.map((header) => (
                <Table.Th key={header.id} scope="col" className={numbers.has(header.column.id) ? 'num' : undefined}>
                  <table.FlexRender header={header} />
                </Table.Th>
              ))}
            </Table.Tr>
          ))}
        </Table.Thead>
        {isVirtual ? (
          <Suspense fallback={<FirstRows count={virtualFrom} rowAt={rowAt} />}>
            <RowsInSight count={all.length} keyAt={(index) => all[index]?.id ?? index} rowAt={rowAt} />
          </Suspense>
        ) : (
          <FirstRows count={all.length} rowAt={rowAt} />
        )}
      </Table>
    </Scroll>
  );
}

function FirstRows({ count, rowAt }: { readonly count: number; readonly rowAt: (index: number) => ReactNode }) {
  return <Table.Tbody>{Array.from({ length: count }, (_, index) => rowAt(index))}</Table.Tbody>;
}
