import { Group } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import type { Sweep, SweepState } from '../../src/answers/sweeps.ts';
import { sweeps } from '../api.ts';
import { WhyNot } from '../parts/act.tsx';
import { DataTable, type Column } from '../parts/data-table.tsx';
import { Empty } from '../parts/failure.tsx';
import { PageLink } from '../parts/link.tsx';
import { More } from '../parts/more.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { Answer } from '../parts/panel.tsx';
import { SweepActs } from '../parts/sweep-acts.tsx';
import { reasonsText } from '../parts/sweep-facts.tsx';
import { figure, middle } from '../parts/text.ts';
import { Time } from '../parts/time.tsx';
import { useAll } from '../parts/use-all.ts';

const whyId = 'why-not-compare';
const states: readonly SweepState[] = ['stopped', 'failing', 'incomplete', 'running', 'waiting'];
const colours: Record<SweepState, string> = { stopped: 'bad', failing: 'bad', incomplete: 'warn', running: '', waiting: '' };

const columns: readonly Column<Sweep>[] = [
  {
    id: 'tenant',
    header: 'Tenant',
    cell: ({ workspaceId }) => (
      <PageLink to="/t/$tenant" params={{ tenant: workspaceId }} search={{ tab: 'sweeps' }} title={workspaceId}>
        {middle(workspaceId, 40)}
      </PageLink>
    ),
  },
  { id: 'state', header: 'State', cell: ({ state }) => <span className={colours[state]}>{state}</span> },
  { id: 'completed', header: 'Last complete', cell: ({ completedAt }) => <Time at={completedAt} /> },
  { id: 'due', header: 'Next due', cell: ({ dueAt }) => <Time at={dueAt} /> },
  { id: 'held', header: 'Databases', isNumber: true, cell: ({ last }) => last?.held.toLocaleString('en') ?? '–' },
  { id: 'found', header: 'Differences', cell: ({ last }) => (last === null ? '–' : reasonsText(last.events)) },
  { id: 'removals', header: 'Gone', isNumber: true, cell: ({ last }) => last?.removals.toLocaleString('en') ?? '–' },
  {
    id: 'failure',
    header: 'Failure',
    cell: ({ failure }) => (failure === null ? '–' : <span title={failure}>{middle(failure, 60)}</span>),
  },
  { id: 'act', header: 'Act', cell: (sweep) => <SweepActs sweep={sweep} whyId={whyId} /> },
];

/** When was each tenant compared with Notion, and what was found? */
export function Sweeps() {
  const filter = useSearch({ from: '/sweeps' });
  const list = useInfiniteQuery({ ...sweeps(filter), refetchInterval: 10_000 });
  const all = useAll(list.data, ({ sweeps: some }) => some);
  const counts = list.data?.pages[0]?.counts;
  return (
    <>
      <PageHead title="Sweeps" command="mirror reconcile status" />
      <WhyNot actions={['compare']} id={whyId} />
      {counts === undefined ? null : (
        <Group component="nav" gap="md" mb="md" aria-label="By state">
          <PageLink to="/sweeps" fw={filter.state === undefined ? 700 : 400}>
            all
          </PageLink>
          {states.map((state) => (
            <PageLink key={state} to="/sweeps" search={{ state }} fw={filter.state === state ? 700 : 400}>
              {state} {figure(counts[state])}
            </PageLink>
          ))}
        </Group>
      )}
      <Answer query={list}>
        {() => (
          <>
            {all.length > 0 ? (
              <DataTable label="Sweeps" columns={columns} rows={all} keyOf={({ workspaceId }) => workspaceId} />
            ) : filter.state === undefined ? (
              <Empty command="mirror reconcile run <tenant>">
                No tenant has been compared with Notion yet. The first comparison follows its first connection.
              </Empty>
            ) : (
              <Empty>
                No tenant is {filter.state}. <PageLink to="/sweeps">Show all</PageLink>
              </Empty>
            )}
            <More list={list} />
          </>
        )}
      </Answer>
    </>
  );
}
