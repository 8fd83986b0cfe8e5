import { Table } from '@mantine/core';
import {
  columnVisibilityFeature,
  tableFeatures,
  useTable,
  type ColumnDef,
  type ColumnVisibilityState,
  type RowData,
} from '@tanstack/react-table';
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { useLayoutEffect, useMemo, useRef, useState, type ReactNode } from 'react';
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
const rowHeight = 34;

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

  const body = useRef<HTMLTableSectionElement>(null);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    if (isVirtual && body.current !== null) setTop(body.current.getBoundingClientRect().top + window.scrollY);
  }, [isVirtual]);
  const virtualizer = useWindowVirtualizer({
    count: all.length,
    estimateSize: () => rowHeight,
    getItemKey: (index) => all[index]?.id ?? index,
    overscan: 12,
    scrollMargin: top,
    enabled: isVirtual,
  });
  const items = isVirtual ? virtualizer.getVirtualItems() : all.map((_, index) => ({ index, start: 0, end: 0 }));
  const before = isVirtual ? Math.max(0, (items[0]?.start ?? top) - top) : 0;
  const after = isVirtual ? Math.max(0, virtualizer.getTotalSize() - ((items.at(-1)?.end ?? top) - top)) : 0;

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
        <Table.Tbody ref={body}>
          {before > 0 ? <Space height={before} /> : null}
          {items.map(({ index }) => {
            const row = all[index];
            if (row === undefined) return null;
            return (
              <Table.Tr
                key={row.id}
                data-index={index}
                ref={isVirtual ? virtualizer.measureElement : undefined}
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
          })}
          {after > 0 ? <Space height={after} /> : null}
        </Table.Tbody>
      </Table>
    </Scroll>
  );
}

function Space({ height }: { readonly height: number }) {
  return (
    <tr aria-hidden>
      <td style={{ height, padding: 0 }} />
    </tr>
  );
}
