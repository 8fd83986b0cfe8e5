import { useInfiniteQuery } from '@tanstack/react-query';
import type { ReplayLine } from '../../src/answers/replays.ts';
import { replays } from '../api.ts';
import { DataTable, type Column } from '../parts/data-table.tsx';
import { Empty } from '../parts/failure.tsx';
import { PageLink } from '../parts/link.tsx';
import { More } from '../parts/more.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { Answer } from '../parts/panel.tsx';
import { Time } from '../parts/time.tsx';
import { useAll } from '../parts/use-all.ts';
import { figure } from '../parts/text.ts';

const columns: readonly Column<ReplayLine>[] = [
  {
    id: 'started',
    header: 'Started',
    cell: ({ id, startedAt }) => (
      <PageLink to="/replays/$id" params={{ id }}>
        <Time at={startedAt} />
      </PageLink>
    ),
  },
  { id: 'status', header: 'State', cell: ({ status }) => status },
  { id: 'source', header: 'From', cell: ({ source }) => (source === 'states' ? 'the state log' : 'the log of events') },
  { id: 'into', header: 'Into', cell: ({ into }) => (into === 'mirror' ? 'the mirror' : 'a shadow') },
  { id: 'scope', header: 'Of', cell: ({ workspaceId, databaseId }) => databaseId ?? workspaceId ?? 'all tenants' },
  {
    id: 'done',
    header: 'Read',
    isNumber: true,
    cell: ({ offsetsDone, offsets }) => `${figure(offsetsDone)} of ${figure(offsets)}`,
  },
  { id: 'updated', header: 'Last progress', cell: ({ updatedAt }) => <Time at={updatedAt} /> },
];

/** How far is it, and may I switch? */
export function Replays() {
  const list = useInfiniteQuery({ ...replays(), refetchInterval: 5_000 });
  const all = useAll(list.data, ({ replays: some }) => some);
  return (
    <>
      <PageHead title="Replays" command="mirror replay status">
        <PageLink to="/replays/plan">Plan a replay</PageLink>
      </PageHead>
      <Answer query={list}>
        {() => (
          <>
            {all.length > 0 ? (
              <DataTable label="Replays" columns={columns} rows={all} keyOf={({ id }) => id} />
            ) : (
              <Empty command="mirror replay plan --help">No replay yet. One rebuilds the mirror, or a shadow of it, from a log:</Empty>
            )}
            <More list={list} />
          </>
        )}
      </Answer>
    </>
  );
}
