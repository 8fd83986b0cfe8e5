import { Group, Text } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import type { LetterCause } from '../../src/answers/dead-letters.ts';
import { deadLetters, letters } from '../api.ts';
import { DataTable, type Column } from '../parts/data-table.tsx';
import { Empty } from '../parts/failure.tsx';
import { LettersTable } from '../parts/letters-table.tsx';
import { PageLink } from '../parts/link.tsx';
import { More } from '../parts/more.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { Panel } from '../parts/panel.tsx';
import { count, middle, shellWord } from '../parts/text.ts';
import { Time } from '../parts/time.tsx';
import { useAll } from '../parts/use-all.ts';

const columns: readonly Column<LetterCause>[] = [
  {
    id: 'cause',
    header: 'Cause',
    cell: ({ class: kind, code, service }) => (
      <PageLink to="/dead-letters" search={{ class: kind, code, service }}>
        {kind}: {code}
      </PageLink>
    ),
  },
  { id: 'service', header: 'Service', cell: ({ service }) => service },
  { id: 'count', header: 'Letters', isNumber: true, cell: ({ count: letterCount }) => letterCount.toLocaleString('en') },
  { id: 'tenants', header: 'Tenants', isNumber: true, cell: ({ tenants }) => tenants.toLocaleString('en') },
  { id: 'oldest', header: 'Oldest', cell: ({ oldest }) => <Time at={oldest} /> },
  { id: 'newest', header: 'Newest', cell: ({ newest }) => <Time at={newest} /> },
  { id: 'message', header: 'Message of the newest', cell: ({ message }) => <span title={message}>{middle(message, 90)}</span> },
];

/** What is lost until I act? */
export function DeadLetters() {
  const filter = useSearch({ from: '/dead-letters' });
  const causes = useQuery(deadLetters);
  const isFiltered = Object.values(filter).some((value) => value !== undefined);
  const options = [
    ...(filter.class === undefined ? [] : ['--class', shellWord(filter.class)]),
    ...(filter.code === undefined ? [] : ['--code', shellWord(filter.code)]),
    ...(filter.tenant === undefined ? [] : ['--workspace-id', shellWord(filter.tenant)]),
  ];
  return (
    <>
      <PageHead title="Dead letters" command={['mirror dead-letters list', ...options].join(' ')} />
      <Panel title="By cause" query={causes}>
        {(answer) =>
          answer.causes.length === 0 ? (
            <Empty>Nothing waits for you: every event was handled, or is still being retried.</Empty>
          ) : (
            <>
              <Text size="sm" c="dimmed">
                {count(answer.letters, 'letter')} of {count(answer.tenants, 'tenant')}
              </Text>
              <DataTable
                label="Causes"
                columns={columns}
                rows={answer.causes}
                keyOf={(cause) => `${cause.class} ${cause.code} ${cause.service}`}
              />
            </>
          )
        }
      </Panel>
      {isFiltered ? <Letters /> : null}
    </>
  );
}

/** The letters of what the address names. */
function Letters() {
  const filter = useSearch({ from: '/dead-letters' });
  const list = useInfiniteQuery(letters(filter));
  const all = useAll(list.data, ({ letters: some }) => some);
  const name = [filter.class, filter.code, filter.service, filter.tenant].filter((each) => each !== undefined).join(', ');
  return (
    <Panel
      title={`Letters: ${name}`}
      query={list}
      right={
        <Group gap="sm">
          <PageLink to="/dead-letters" search={({ settled, ...rest }) => (settled === '1' ? rest : { ...rest, settled: '1' })}>
            {filter.settled === '1' ? 'Hide settled ones' : 'Show settled ones, too'}
          </PageLink>
          <PageLink to="/dead-letters">All causes</PageLink>
        </Group>
      }
    >
      {() => (
        <>
          {all.length > 0 ? <LettersTable letters={all} /> : <Empty>No waiting letter has this cause.</Empty>}
          <More list={list} />
        </>
      )}
    </Panel>
  );
}
