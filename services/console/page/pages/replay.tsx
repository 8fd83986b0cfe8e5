import { Progress, Stack, Title } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import type { ReplayAnswer } from '../../src/answers/replays.ts';
import { cancelReplay, replay } from '../api.ts';
import { Act } from '../parts/act.tsx';
import { Id } from '../parts/copy.tsx';
import { DataTable, type Column } from '../parts/data-table.tsx';
import { Fields } from '../parts/fields.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { Answer } from '../parts/panel.tsx';
import { Shadow } from '../parts/shadow.tsx';
import { reasonsText } from '../parts/sweep-facts.tsx';
import { Time } from '../parts/time.tsx';
import { figure } from '../parts/text.ts';

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
    cell: ({ from, next, to }) => `${figure(next - from)} of ${figure(to - from)}`,
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
      {into === 'shadow' && status === 'done' ? <Shadow id={shown.id} /> : null}
      {status === 'running' ? <Cancel id={shown.id} /> : null}
      <Stack gap={4} component="section">
        <Title order={2}>Partitions</Title>
        <DataTable label="Partitions" columns={columns} rows={partitions} keyOf={({ topic, partition }) => `${topic} ${partition}`} />
      </Stack>
    </Stack>
  );
}

function Cancel({ id }: { readonly id: string }) {
  const client = useQueryClient();
  return (
    <Act
      action="replay"
      label="Cancel the replay"
      title="Cancel the replay"
      command="mirror replay cancel"
      onAct={async (reason) => {
        await cancelReplay(id, reason);
        await client.invalidateQueries({ queryKey: replay(id).queryKey });
        return 'It is cancelled.';
      }}
    >
      It stops after the records that it is writing. What it has written stays.
    </Act>
  );
}
