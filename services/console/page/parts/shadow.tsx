import { Button, Group, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import type { ReplayDiffAnswer } from '../../src/answers/acting.ts';
import { replayDiff, switchReplay } from '../api.ts';
import { Act } from './act.tsx';
import { Command } from './copy.tsx';
import { DataTable, type Column } from './data-table.tsx';
import { Failure } from './failure.tsx';
import { Fields } from './fields.tsx';
import { count, figure } from './text.ts';
import { Time, useNow } from './time.tsx';
import { useWhyNot } from './use-actions.ts';

type Difference = ReplayDiffAnswer['differences'][number];

const kinds: Record<Difference['kind'], string> = {
  only_in_mirror: 'only in the mirror',
  only_in_shadow: 'only in the shadow',
  other_content: 'other content',
};

const columns: readonly Column<Difference>[] = [
  { id: 'kind', header: 'Difference', cell: ({ kind }) => kinds[kind] },
  { id: 'id', header: 'Record', cell: ({ id }) => <span className="id any">{id}</span> },
  { id: 'fields', header: 'Fields', cell: ({ fields }) => (fields.length === 0 ? '–' : fields.join(', ')) },
];

/** A shadow that is complete: compare it with the mirror, and then it may take the mirror's place. */
export function Shadow({ id }: { readonly id: string }) {
  const whyNot = useWhyNot('replaySwitch');
  const navigate = useNavigate();
  const query = useQuery(replayDiff(id));
  const now = useNow();
  const diff = query.data ?? null;
  const isFresh = diff !== null && !query.isFetching && Date.parse(diff.freshUntil) > now;
  return (
    <Stack gap="xs" component="section">
      <Title order={2}>The shadow, and the mirror</Title>
      <Group gap="sm">
        <Button
          variant="default"
          size="compact-sm"
          loading={query.isFetching}
          disabled={whyNot !== null}
          aria-describedby="why-not-diff"
          data-acts
          onClick={() => void query.refetch()}
        >
          Compare
        </Button>
        <Text size="sm" c="dimmed" id="why-not-diff">
          {whyNot ?? 'Brings the shadow up to date, and compares each record. This can take minutes.'}
        </Text>
      </Group>
      <Command text="mirror replay diff" />
      <div role="status">{diff === null ? null : <Text fw={600}>{verdictOf(diff)}</Text>}</div>
      {query.isError ? <Failure error={query.error} onRetry={() => void query.refetch()} /> : null}
      {diff === null ? null : (
        <>
          <Fields
            of={[
              ['Compared', <Time at={diff.at} />],
              ['Records of the shadow', figure(diff.shadow)],
              ...Object.entries(diff.counts).map(([kind, n]) => [kinds[kind as Difference['kind']], figure(n)] as const),
            ]}
          />
          {diff.differences.length === 0 ? null : (
            <DataTable
              label="Differences"
              columns={columns}
              rows={diff.differences}
              keyOf={({ kind, id: record }) => `${kind} ${record}`}
            />
          )}
        </>
      )}
      <Act
        action="replaySwitch"
        label="Switch"
        title="Let the shadow take the mirror’s place"
        command="mirror replay switch"
        typed={{ label: 'Type switch', value: 'switch' }}
        notNow={isFresh ? null : diff === null ? 'Compare first.' : 'The comparison is too old: compare again.'}
        onAct={async (reason) => {
          const job = await switchReplay(id, reason);
          await navigate({ to: '/jobs/$id', params: { id: job.id } });
          return 'The switch runs.';
        }}
      >
        {diff === null ? '' : verdictOf(diff)} Readers get the shadow&apos;s documents from then on, and the mirror&apos;s are deleted. It
        takes up to some minutes, and cannot be stopped.
      </Act>
    </Stack>
  );
}

function verdictOf({ counts }: ReplayDiffAnswer): string {
  const all = Object.values(counts).reduce((sum, n) => sum + n, 0);
  return all === 0 ? 'Equal to the mirror.' : `${count(all, 'record')} differ.`;
}
