import type { LetterCause } from '../../src/answers/dead-letters.ts';
import { DataTable, type Column } from './data-table.tsx';
import { PageLink } from './link.tsx';
import { figure, middle } from './text.ts';
import { Time } from './time.tsx';

export const causeColumns: readonly Column<LetterCause>[] = [
  {
    id: 'cause',
    header: 'Cause',
    cell: ({ class: kind, code, service }) => (
      <PageLink to="/dead-letters" search={{ class: kind, code, service }}>
        {kind}: {code}
      </PageLink>
    ),
  },
  { id: 'service', header: 'Service', cell: ({ service }) => <span className="word">{service}</span> },
  { id: 'count', header: 'Letters', isNumber: true, cell: ({ count: letterCount }) => figure(letterCount) },
  { id: 'tenants', header: 'Tenants', isNumber: true, cell: ({ tenants }) => figure(tenants) },
  { id: 'oldest', header: 'Oldest', cell: ({ oldest }) => <Time at={oldest} /> },
  { id: 'newest', header: 'Newest', cell: ({ newest }) => <Time at={newest} /> },
  { id: 'message', header: 'Message of the newest', cell: ({ message }) => <span title={message}>{middle(message, 90)}</span> },
];

interface Props {
  readonly label: string;
  readonly causes: readonly LetterCause[];
  /** Stable between renders. */
  readonly columns?: readonly Column<LetterCause>[];
}

/** Dead letters by cause. */
export function CausesTable({ label, causes, columns = causeColumns }: Props) {
  return <DataTable label={label} columns={columns} rows={causes} keyOf={(cause) => `${cause.class} ${cause.code} ${cause.service}`} />;
}
