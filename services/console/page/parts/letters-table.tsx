import type { LetterLine } from '../../src/answers/dead-letters.ts';
import { DataTable, type Column } from './data-table.tsx';
import { PageLink } from './link.tsx';
import { middle } from './text.ts';
import { Time } from './time.tsx';

const columns: readonly Column<LetterLine>[] = [
  {
    id: 'ref',
    header: 'Letter',
    cell: ({ ref }) => (
      <PageLink to="/dead-letters/$partition/$offset" params={placeOf(ref)} className="mono">
        {ref}
      </PageLink>
    ),
  },
  { id: 'failed', header: 'Failed', cell: ({ failedAt }) => <Time at={failedAt} /> },
  {
    id: 'tenant',
    header: 'Tenant',
    cell: ({ workspaceId }) => (workspaceId === null ? <span className="dim">none</span> : middle(workspaceId, 24)),
  },
  { id: 'cause', header: 'Cause', cell: (letter) => `${letter.class}: ${letter.code}` },
  { id: 'message', header: 'Message', cell: ({ message }) => <span title={message}>{middle(message, 80)}</span> },
  { id: 'type', header: 'Event', cell: ({ eventType, route }) => eventType ?? (route === null ? '–' : `a webhook by ${route}`) },
  { id: 'redrives', header: 'Retried', isNumber: true, cell: ({ redrives }) => redrives },
  {
    id: 'settled',
    header: 'Settled',
    cell: ({ settled }) =>
      settled === null ? (
        '–'
      ) : (
        <>
          {settled.action} <Time at={settled.at} />
        </>
      ),
  },
];

function placeOf(ref: string) {
  const [partition = '', offset = ''] = ref.split(':');
  return { partition, offset };
}

export function LettersTable({ letters }: { readonly letters: readonly LetterLine[] }) {
  return <DataTable label="Dead letters" columns={columns} rows={letters} keyOf={({ ref }) => ref} />;
}
