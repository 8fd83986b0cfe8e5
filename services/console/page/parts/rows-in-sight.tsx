import { Table } from '@mantine/core';
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { useLayoutEffect, useRef, useState, type Key, type ReactNode } from 'react';

const rowHeight = 34;

interface Props {
  readonly count: number;
  readonly keyAt: (index: number) => Key;
  /** A row, whose element is given to `measure`. */
  readonly rowAt: (index: number, measure: (element: HTMLTableRowElement | null) => void) => ReactNode;
}

/** The body of a long table: rows that are out of sight are left out of the document, and their space is kept. */
export function RowsInSight({ count, keyAt, rowAt }: Props) {
  const body = useRef<HTMLTableSectionElement>(null);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    if (body.current !== null) setTop(body.current.getBoundingClientRect().top + window.scrollY);
  }, []);
  const virtualizer = useWindowVirtualizer({ count, estimateSize: () => rowHeight, getItemKey: keyAt, overscan: 12, scrollMargin: top });
  const items = virtualizer.getVirtualItems();
  const before = Math.max(0, (items[0]?.start ?? top) - top);
  const after = Math.max(0, virtualizer.getTotalSize() - ((items.at(-1)?.end ?? top) - top));
  return (
    <Table.Tbody ref={body}>
      {before > 0 ? <Space height={before} /> : null}
      {items.map(({ index }) => rowAt(index, virtualizer.measureElement))}
      {after > 0 ? <Space height={after} /> : null}
    </Table.Tbody>
  );
}

function Space({ height }: { readonly height: number }) {
  return (
    <tr aria-hidden>
      <td style={{ height, padding: 0 }} />
    </tr>
  );
}
