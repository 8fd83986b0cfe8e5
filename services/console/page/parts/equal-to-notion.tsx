import { Alert, Button, Group, List, Stack, Table, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { CheckAnswer, Difference } from '../../src/answers/check.ts';
import { check, database, fetchDatabase, type Place } from '../api.ts';
import { Act } from './act.tsx';
import { Failure } from './failure.tsx';
import { Scroll } from './scroll.tsx';
import { count, shellWord } from './text.ts';
import { durationText } from './time-text.ts';
import { Time } from './time.tsx';
import { useWhyNot } from './use-actions.ts';

/** The question that no other console answers. It asks Notion, so it says what it cost. */
export function EqualToNotion({ place, rev }: { readonly place: Place; readonly rev: number }) {
  const why = useWhyNot('check');
  const asked = useMutation({ mutationFn: async () => ({ rev, answer: await check(place) }) });
  return (
    <Stack gap="xs" mb="md">
      <Group gap="sm">
        <Button
          size="compact-md"
          onClick={() => asked.mutate()}
          loading={asked.isPending}
          disabled={why !== null}
          aria-describedby="why-not"
          data-acts
        >
          Equal to Notion?
        </Button>
        {why === null ? null : (
          <Text size="sm" c="dimmed" id="why-not">
            {why}
          </Text>
        )}
      </Group>
      <div role="status">
        {asked.data === undefined ? null : <Verdict answer={asked.data.answer} place={place} isOld={asked.data.rev !== rev} />}
      </div>
      {asked.isError ? <Failure error={asked.error} onRetry={() => asked.mutate()} /> : null}
    </Stack>
  );
}

const colours = { equal: 'green', different: 'red', unknown: 'yellow' } as const;

interface VerdictProps {
  readonly answer: CheckAnswer;
  readonly place: Place;
  /** The mirror has written the database since. */
  readonly isOld: boolean;
}

function Verdict({ answer, place, isOld }: VerdictProps) {
  const { verdict, text, at, ms, differences, problems, rows } = answer;
  return (
    <Alert color={isOld ? 'gray' : colours[verdict]} variant="outline" title={text}>
      <Stack gap="xs">
        {isOld ? <Text size="sm">The mirror has written the database since: ask again.</Text> : null}
        <Text size="sm">
          <Time at={at} />, took {durationText(ms)}
        </Text>
        {problems.length === 0 ? null : (
          <List size="sm">
            {problems.map((problem) => (
              <List.Item key={problem}>{problem}</List.Item>
            ))}
          </List>
        )}
        {differences.map((difference) => (
          <Differs key={`${difference.kind} ${difference.pageId} ${difference.databaseId}`} of={difference} />
        ))}
        {rows.length === 0 ? null : (
          <List size="sm">
            {rows.map(({ dataSourceId, live, archived, compared, why }) => (
              <List.Item key={dataSourceId}>
                Rows of <span className="id">{dataSourceId}</span>: {live} live, {archived} archived;{' '}
                {compared === null ? (why ?? 'not compared') : `${compared} compared`}
              </List.Item>
            ))}
          </List>
        )}
        {verdict === 'different' ? <FetchIt place={place} /> : null}
      </Stack>
    </Alert>
  );
}

/** Has the workers fetch what differs. */
function FetchIt({ place }: { readonly place: Place }) {
  const client = useQueryClient();
  return (
    <Act
      action="fetch"
      label="Fetch it"
      title="Fetch what differs"
      command={`mirror verify ${shellWord(place.tenant)} --fix`}
      onAct={async (reason) => {
        const { appended } = await fetchDatabase(place, reason);
        await client.invalidateQueries({ queryKey: database(place).queryKey });
        if (appended === 0) return 'Nothing differs any more.';
        return `${count(appended, 'event')} appended: the workers fetch it. This page shows when they have.`;
      }}
    >
      It is compared again, and a worker fetches each object that differs. The command does so for all databases of the tenant.
    </Act>
  );
}

const kinds: Record<Difference['kind'], string> = {
  missing: 'The mirror lacks it',
  extra: 'Notion no longer shows it',
  stale: 'The fields differ',
  damaged: 'The record cannot be read',
};

function Differs({ of: { kind, pageId, because, problem, fields, moreFields } }: { readonly of: Difference }) {
  return (
    <div>
      <Text size="sm" fw={600}>
        {kinds[kind]}
        {pageId === null ? '' : `: row ${pageId}`}
      </Text>
      {because === null ? null : <Text size="sm">{because}</Text>}
      {problem === null ? null : <Text size="sm">{problem}</Text>}
      {fields.length === 0 ? null : (
        <Scroll kind="wide" label="Fields that differ">
          <Table>
            <Table.Thead>
              <Table.Tr>
                <Table.Th scope="col">Field</Table.Th>
                <Table.Th scope="col">The mirror</Table.Th>
                <Table.Th scope="col">Notion</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {fields.map(({ path, mirror, notion }) => (
                <Table.Tr key={path}>
                  <Table.Th scope="row">{path}</Table.Th>
                  <Table.Td className="mono any">{mirror ?? 'absent'}</Table.Td>
                  <Table.Td className="mono any">{notion ?? 'absent'}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Scroll>
      )}
      {moreFields === 0 ? null : <Text size="sm">and {count(moreFields, 'more field')}</Text>}
    </div>
  );
}
