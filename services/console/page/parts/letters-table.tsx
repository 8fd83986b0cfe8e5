import { Checkbox } from '@mantine/core';
import { useMemo } from 'react';
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

interface Props {
  readonly letters: readonly LetterLine[];
  readonly choice?: {
    readonly chosen: ReadonlySet<string>;
    readonly onChoose: (refs: readonly string[], isChosen: boolean) => void;
  };
}

/** With `choice`, letters that still wait can be chosen. */
export function LettersTable({ letters, choice }: Props) {
  const all = useMemo((): readonly Column<LetterLine>[] => {
    if (choice === undefined) return columns;
    const { chosen, onChoose } = choice;
    const open = letters.flatMap(({ ref, settled }) => (settled === null ? [ref] : []));
    const many = open.filter((ref) => chosen.has(ref)).length;
    const chooser: Column<LetterLine> = {
      id: 'choose',
      header: (
        <Checkbox
          size="xs"
          aria-label="Choose all that are shown"
          checked={many > 0 && many === open.length}
          indeterminate={many > 0 && many < open.length}
          disabled={open.length === 0}
          onChange={(event) => onChoose(open, event.currentTarget.checked)}
        />
      ),
      cell: ({ ref, settled }) =>
        settled === null ? (
          <Checkbox
            size="xs"
            aria-label={`Choose ${ref}`}
            checked={chosen.has(ref)}
            onChange={(event) => onChoose([ref], event.currentTarget.checked)}
          />
        ) : null,
    };
    return [chooser, ...columns];
  }, [letters, choice]);
  return <DataTable label="Dead letters" columns={all} rows={letters} keyOf={({ ref }) => ref} />;
}
