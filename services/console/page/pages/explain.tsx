import { Alert, Button, Checkbox, Group, List, Stack, Text, TextInput, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import type { ExplainedTenant, Explanation } from '../../src/answers/explain.ts';
import { explanation } from '../api.ts';
import { CauseLink } from '../parts/cause-link.tsx';
import { Command, Id } from '../parts/copy.tsx';
import { EventsTable } from '../parts/events-table.tsx';
import { Failure } from '../parts/failure.tsx';
import { Fields } from '../parts/fields.tsx';
import { PageLink } from '../parts/link.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { Waiting } from '../parts/panel.tsx';
import { Prose } from '../parts/prose.tsx';
import { shellWord } from '../parts/text.ts';
import { Time } from '../parts/time.tsx';

/** Why is it not there? */
export function Explain() {
  const { id } = useParams({ strict: false });
  const { tenant, notion } = useSearch({ from: '/explain/$id', shouldThrow: false }) ?? {};
  const navigate = useNavigate();
  const query = useQuery({
    ...explanation(id ?? '', { tenant, notion: notion === 'off' ? '0' : undefined }),
    enabled: id !== undefined,
  });
  const { data = null, error, refetch, isFetching } = query;
  const options = `${tenant === undefined ? '' : ` --workspace-id ${shellWord(tenant)}`}${notion === 'off' ? ' --no-notion' : ''}`;
  return (
    <>
      <PageHead title="Explain" command={`mirror explain ${id === undefined ? '<id or Notion URL>' : shellWord(id)}${options}`} />
      <form
        key={`${id} ${tenant} ${notion}`}
        onSubmit={(submitted) => {
          submitted.preventDefault();
          const form = new FormData(submitted.currentTarget);
          const wanted = {
            id: textOf(form.get('id')),
            tenant: textOf(form.get('tenant')),
            notion: form.get('notion') === null ? 'off' : undefined,
          } as const;
          // The same question is asked again.
          if (wanted.id === id) void refetch();
          void navigate({
            to: '/explain/$id',
            params: { id: wanted.id },
            search: { tenant: wanted.tenant, ...(wanted.notion === 'off' ? { notion: 'off' } : {}) },
          });
        }}
      >
        <Group align="flex-end" mb="md">
          <TextInput
            name="id"
            label="Id or Notion URL"
            description="Of a database, a data source, a row or an event"
            required
            w="26rem"
            defaultValue={id ?? ''}
          />
          <TextInput name="tenant" label="Tenant" description="All, if empty" defaultValue={tenant ?? ''} />
          <Checkbox name="notion" label="Ask Notion" defaultChecked={notion !== 'off'} mb={6} />
          <Button type="submit">Explain</Button>
        </Group>
      </form>
      {error === null ? null : <Failure error={error} onRetry={() => void refetch()} />}
      {data === null ? isFetching ? <Waiting /> : null : <Facts of={data} isDone={!isFetching} />}
    </>
  );
}

function textOf(field: FormDataEntryValue | null): string {
  return typeof field === 'string' ? field.trim() : '';
}

const servers = { log: 'the log', deadLetters: 'dead letters', notion: 'Notion' } as const;

function Facts({
  of: { subject, kind, id, asking, causes, tenants, events },
  isDone,
}: {
  readonly of: Explanation;
  readonly isDone: boolean;
}) {
  const isFinal = asking.length === 0;
  return (
    <Stack gap="lg">
      <Text role="status" size="sm" c="dimmed">
        {isFinal || isDone ? 'Everything was asked.' : `Asking ${asking.map((server) => servers[server]).join(', ')}…`}
      </Text>
      <Stack gap="xs" component="section">
        <Title order={2}>{causes.length === 0 ? (isFinal ? 'No problem is known' : 'No problem so far') : 'Causes'}</Title>
        {causes.map((cause) => {
          const { code, workspaceId, text, remedy } = cause;
          return (
            <Alert
              key={`${code} ${workspaceId ?? ''} ${text}`}
              color="yellow"
              variant="outline"
              title={<Prose text={workspaceId === null ? text : `${workspaceId}: ${text}`} />}
            >
              <Group gap="sm">
                <span className="mono dim">{code}</span>
                {remedy === null ? null : <Remedy text={remedy} />}
                <CauseLink cause={cause} />
              </Group>
            </Alert>
          );
        })}
      </Stack>
      <Fields
        of={[
          ['Subject', <Id value={subject} label="the subject" />],
          [kind === 'row' ? 'Row' : 'Database', <Id value={id} />],
        ]}
      />
      {tenants.map((tenant) => (
        <Tenant key={tenant.workspaceId} tenant={tenant} kind={kind} id={id} />
      ))}
      <Stack gap="xs" component="section">
        <Title order={2}>Its last events</Title>
        {events.length === 0 ? <Text>None is kept.</Text> : <EventsTable events={events} label="Its last events" />}
      </Stack>
    </Stack>
  );
}

/** A remedy is a command, or words that hold one. */
function Remedy({ text }: { readonly text: string }) {
  return text.startsWith('mirror ') ? <Command text={text} /> : <span className="any">{text}</span>;
}

function Tenant({ tenant, kind, id }: { readonly tenant: ExplainedTenant } & Pick<Explanation, 'kind' | 'id'>) {
  const { workspaceId, connections, mirrored, notion, row } = tenant;
  const label = mirrored === null ? 'no' : `${mirrored.live ? 'yes' : 'as a tombstone'}, rev ${mirrored.rev}`;
  const link =
    id === null || mirrored === null ? (
      label
    ) : kind === 'row' ? (
      <PageLink to="/t/$tenant/r/$page" params={{ tenant: workspaceId, page: id }}>
        {label}
      </PageLink>
    ) : (
      <PageLink to="/t/$tenant/d/$database" params={{ tenant: workspaceId, database: id }}>
        {label}
      </PageLink>
    );
  return (
    <Stack gap="xs" component="section">
      <Title order={2}>
        <PageLink to="/t/$tenant" params={{ tenant: workspaceId }}>
          {workspaceId}
        </PageLink>
      </Title>
      <Fields
        of={[
          ['Mirrored', link],
          ['As of', <Time at={mirrored?.asOf} />],
          ['Notion says', notion ?? 'not asked'],
          [
            'Connections',
            connections.length === 0 ? (
              'none'
            ) : (
              <List size="sm">
                {connections.map(({ connectionId, status }) => (
                  <List.Item key={connectionId}>
                    <span className="id">{connectionId}</span> {status}
                  </List.Item>
                ))}
              </List>
            ),
          ],
          ...(row === null
            ? []
            : ([
                ['Row of database', <Id value={row.databaseId} />],
                [
                  'Its table',
                  row.dataSource === null
                    ? '–'
                    : `${row.dataSource.state}${row.dataSource.reason === null ? '' : `: ${row.dataSource.reason}`}`,
                ],
              ] as const)),
        ]}
      />
    </Stack>
  );
}
