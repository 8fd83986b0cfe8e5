import { Progress, Stack, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import type { ReplayAnswer } from '../../src/answers/replays.ts';
import { replay } from '../api.ts';
import { Command, Id } from '../parts/copy.tsx';
import { DataTable, type Column } from '../parts/data-table.tsx';
import { Fields } from '../parts/fields.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { Answer } from '../parts/panel.tsx';
import { reasonsText } from '../parts/sweep-facts.tsx';
import { Time } from '../parts/time.tsx';

type Partition = ReplayAnswer['partitions'][number];

const percent = ({ from, next, to }: Partition) => (to === from ? 100 : Math.floor(((next - from) / (to - from)) * 100));

const columns: readonly Column<Partition>[] = [
  { id: 'partition', header: 'Partition', cell: ({ topic, partition }) => `${topic === null ? '' : `${topic} `}${partition}` },
  {
    id: 'bar',
    header: 'Progress',
    cell: (part) => <Progress value={percent(part)} w={120} mt={6} aria-label={`Partition ${part.partition}: ${percent(part)} percent`} />,
  },
  {
    id: 'read',
    header: 'Read',
    isNumber: true,
    cell: ({ from, next, to }) => `${(next - from).toLocaleString('en')} of ${(to - from).toLocaleString('en')}`,
  },
  { id: 'next', header: 'Next offset', isNumber: true, cell: ({ next }) => next },
];

/** One replay, partition by partition. */
export function Replay() {
  const { id } = useParams({ from: '/replays/$id' });
  const query = useQuery(replay(id));
  return (
    <>
      <PageHead title="One replay" command="mirror replay status" />
      <Answer query={query}>{(answer) => <Body answer={answer} />}</Answer>
    </>
  );
}

function Body({ answer: { replay: shown, partitions } }: { readonly answer: ReplayAnswer }) {
  const { into, status } = shown;
  return (
    <Stack gap="lg">
      <Fields
        of={[
          ['Id', <Id value={shown.id} label="the replay's id" />],
          ['State', status],
          ['From', shown.source === 'states' ? 'the state log' : 'the log of events'],
          ['Since', shown.since ?? 'the beginning'],
          ['Into', into === 'mirror' ? 'the mirror' : 'a shadow'],
          ['Of', shown.databaseId ?? shown.workspaceId ?? 'all tenants'],
          ['Started', <Time at={shown.startedAt} />],
          ['Last progress', <Time at={shown.updatedAt} />],
          ['Records', reasonsText(shown.counts)],
        ]}
      />
      {into === 'shadow' && status === 'done' ? (
        <Stack gap={4}>
          <Title order={2}>Next</Title>
          <Command text="mirror replay diff" />
          <Command text="mirror replay switch" />
        </Stack>
      ) : null}
      {status === 'running' ? <Command text="mirror replay cancel" /> : null}
      <Stack gap={4} component="section">
        <Title order={2}>Partitions</Title>
        <DataTable label="Partitions" columns={columns} rows={partitions} keyOf={({ topic, partition }) => `${topic} ${partition}`} />
      </Stack>
    </Stack>
  );
}
