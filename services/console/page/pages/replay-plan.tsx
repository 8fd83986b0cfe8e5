import { Button, Group, NativeSelect, Stack, Text, TextInput, Title } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import type { ReplayPlanAnswer, ReplayPlanOrder } from '../../src/answers/plans.ts';
import { replayPlan, runPlan } from '../api.ts';
import { Empty, Failure } from '../parts/failure.tsx';
import { Fields } from '../parts/fields.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { Answer } from '../parts/panel.tsx';
import { CommandWithReason, ReasonField } from '../parts/reason-field.tsx';
import { absoluteTime } from '../parts/since.ts';
import { count, figure, shellWord } from '../parts/text.ts';
import { durationText } from '../parts/time-text.ts';
import { Time } from '../parts/time.tsx';
import { useWhyNot } from '../parts/use-actions.ts';

const from = '/replays/plan';

const kinds = [
  { value: 'states', label: 'Write the state log into the mirror: no call to Notion' },
  { value: 'shadow', label: 'Write the state log into a shadow, to compare and to switch to' },
  { value: 'events', label: 'Fetch again what events name: asks Notion' },
];

/** What would a replay read, and what would it cost? */
export function ReplayPlan() {
  const search = useSearch({ from });
  const why = useWhyNot('replay');
  const order = orderOf(search);
  return (
    <>
      <PageHead title="Plan a replay" command={order === null ? 'mirror replay plan --help' : commandOf('plan', order)} />
      <Form key={JSON.stringify(search)} />
      {order === null ? null : why === null ? <Planned order={order} /> : <Empty command={commandOf('run', order)}>{why}</Empty>}
    </>
  );
}

type Search = {
  readonly [name in 'tenant' | 'database' | 'since' | 'offsets']?: string | undefined;
} & { readonly source?: 'states' | 'events' | undefined; readonly into?: 'mirror' | 'shadow' | undefined };

function orderOf({ source, into, tenant, database, since, offsets }: Search): ReplayPlanOrder | null {
  if (source === undefined) return null;
  const places = offsets?.split(/[\s,]+/).filter((place) => place !== '') ?? [];
  return {
    source,
    into: into ?? 'mirror',
    ...(tenant === undefined ? {} : { tenant }),
    ...(database === undefined ? {} : { database }),
    ...(since === undefined ? {} : { since }),
    ...(places.length === 0 ? {} : { offsets: places }),
  };
}

function commandOf(verb: 'plan' | 'run', { source, into, tenant, database, since, offsets }: ReplayPlanOrder): string {
  return [
    'mirror replay',
    verb,
    ...(source === 'states' ? ['--from-states'] : []),
    ...(into === 'shadow' ? ['--shadow'] : []),
    ...(since === undefined ? [] : ['--since', shellWord(since)]),
    ...(offsets === undefined ? [] : ['--offset', ...offsets.map(shellWord)]),
    ...(tenant === undefined ? [] : ['--workspace-id', shellWord(tenant)]),
    ...(database === undefined ? [] : ['--database-id', shellWord(database)]),
  ].join(' ');
}

/** Its fields are in the address once they are planned. */
function Form() {
  const { source, into, tenant, database, since, offsets } = useSearch({ from });
  const navigate = useNavigate({ from });
  const [kind, setKind] = useState<string>(into === 'shadow' ? 'shadow' : (source ?? 'states'));
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        const values = new FormData(event.currentTarget);
        const text = (name: string) => {
          const value = values.get(name);
          return typeof value === 'string' ? value.trim() : '';
        };
        void navigate({
          search: {
            source: kind === 'events' ? 'events' : 'states',
            into: kind === 'shadow' ? 'shadow' : 'mirror',
            tenant: text('tenant'),
            database: text('database'),
            since: absoluteTime(text('since'), new Date()),
            offsets: text('offsets'),
          },
        });
      }}
    >
      <Stack gap="sm" maw={640} mb="lg">
        <NativeSelect label="What" data={kinds} value={kind} onChange={(event) => setKind(event.currentTarget.value)} />
        {kind === 'shadow' ? null : (
          <Group gap="sm" grow>
            <TextInput name="tenant" label="Tenant" placeholder="all" defaultValue={tenant} />
            <TextInput name="database" label="Database" placeholder="all" defaultValue={database} />
          </Group>
        )}
        {kind === 'events' ? (
          <Group gap="sm" grow>
            <TextInput name="since" label="Since" placeholder="the beginning; 2h, 3d or a time" defaultValue={since} />
            <TextInput name="offsets" label="Or from these places on" placeholder="partition:offset …" defaultValue={offsets} />
          </Group>
        ) : null}
        <Group>
          <Button type="submit" variant="default">
            Plan
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function Planned({ order }: { readonly order: ReplayPlanOrder }) {
  const query = useQuery(replayPlan(order));
  return <Answer query={query}>{(plan) => <Plan key={plan.id} plan={plan} order={order} onAgain={() => void query.refetch()} />}</Answer>;
}

interface PlanProps {
  readonly plan: ReplayPlanAnswer;
  readonly order: ReplayPlanOrder;
  readonly onAgain: () => void;
}

function Plan({ plan, order, onAgain }: PlanProps) {
  const { records, partitions, fetches, notionCalls, estimatedSeconds, expiresAt, since, into } = plan;
  return (
    <Stack gap="lg">
      <Stack gap="xs" component="section">
        <Title order={2}>
          At most {count(records, 'record')} of {count(partitions, 'partition')}
        </Title>
        <Text size="sm" c="dimmed">
          The plan is kept until <Time at={expiresAt} />.{' '}
          <Button variant="default" size="compact-xs" onClick={onAgain}>
            Plan again
          </Button>
        </Text>
        <Fields
          of={[
            ['Into', into === 'mirror' ? 'the mirror' : 'a shadow: readers see nothing of it until you switch'],
            ['Since', since ?? 'the beginning'],
            [
              'Fetched again',
              fetches === null
                ? 'nothing'
                : `${figure(fetches.targets)} objects, ${figure(fetches.rows)} rows, of ${count(fetches.tenants, 'tenant')}; ${figure(fetches.withoutConnection)} have no connection and are skipped`,
            ],
            ['Calls to Notion', figure(notionCalls)],
            ['Takes about', durationText(estimatedSeconds * 1_000)],
          ]}
        />
      </Stack>
      {records === 0 ? <Text>There is nothing to read.</Text> : <Run plan={plan} order={order} onAgain={onAgain} />}
    </Stack>
  );
}

function Run({ plan: { id }, order, onAgain }: PlanProps) {
  const [reason, setReason] = useState('');
  const navigate = useNavigate();
  const run = useMutation({
    mutationFn: async () => runPlan(id, { reason: reason.trim() }),
    onSuccess: (job) => navigate({ to: '/jobs/$id', params: { id: job.id } }),
  });
  const command = commandOf('run', order);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        run.mutate();
      }}
    >
      <Stack gap="sm" component="section" maw={560}>
        <Title order={2}>Run it</Title>
        <ReasonField value={reason} onValue={setReason} />
        <CommandWithReason command={command} reason={reason} />
        {run.isError ? <Failure error={run.error} onRetry={onAgain} retry="Plan again" /> : null}
        <Group gap="sm">
          <Button type="submit" loading={run.isPending} data-acts>
            Run the replay
          </Button>
          <Text size="sm" c="dimmed">
            You can cancel it at any time.
          </Text>
        </Group>
      </Stack>
    </form>
  );
}
