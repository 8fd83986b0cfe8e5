import { Group, Switch, Tabs, Text } from '@mantine/core';
import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import type { DatabaseLine } from '../../src/answers/databases.ts';
import type { ConnectionLine, TenantAnswer } from '../../src/answers/tenants.ts';
import { databases, events, letters, setPaused, tenant as tenantQuery } from '../api.ts';
import { Act, WhyNot } from '../parts/act.tsx';
import { CallGauge } from '../parts/call-budgets.tsx';
import { Id } from '../parts/copy.tsx';
import { DataTable, type Column } from '../parts/data-table.tsx';
import { EventsTable } from '../parts/events-table.tsx';
import { Empty } from '../parts/failure.tsx';
import { FilterField } from '../parts/filter-field.tsx';
import { LettersTable } from '../parts/letters-table.tsx';
import { PageLink } from '../parts/link.tsx';
import { More } from '../parts/more.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { Answer } from '../parts/panel.tsx';
import { PlanLinks } from '../parts/plan-links.tsx';
import { Prose } from '../parts/prose.tsx';
import { SweepActs } from '../parts/sweep-acts.tsx';
import { SweepFacts } from '../parts/sweep-facts.tsx';
import { TenantState } from '../parts/tenant-columns.tsx';
import { TabList } from '../parts/tab-list.tsx';
import { figure, middle, shellWord } from '../parts/text.ts';
import { Time } from '../parts/time.tsx';
import { useAll } from '../parts/use-all.ts';

const commands = {
  databases: (word: string) => `mirror verify ${word}`,
  events: (word: string) => `mirror status --json | jq '.pending[] | select(.workspaceId == "${word}")'`,
  connections: (word: string) => `mirror connections list --workspace-id ${word}`,
  sweeps: (word: string) => `mirror reconcile status ${word}`,
  'dead-letters': (word: string) => `mirror dead-letters list --workspace-id ${word}`,
} as const;

const tabs = [
  ['databases', 'Databases'],
  ['events', 'Events'],
  ['connections', 'Connections'],
  ['sweeps', 'Comparison'],
  ['dead-letters', 'Dead letters'],
] as const;

type Tab = (typeof tabs)[number][0];

/** This customer, all of it. */
export function Tenant() {
  const { tenant } = useParams({ from: '/t/$tenant' });
  const { tab = 'databases' } = useSearch({ from: '/t/$tenant' });
  const navigate = useNavigate({ from: '/t/$tenant' });
  const query = useQuery(tenantQuery(tenant));
  return (
    <>
      <PageHead title={tenant} command={commands[tab](shellWord(tenant))} />
      <Answer query={query}>{(answer) => <Sentence answer={answer} />}</Answer>
      <Tabs value={tab} onChange={(value) => void navigate({ search: { tab: value as Tab } })} keepMounted={false}>
        <TabList tabs={tabs} />
        <Tabs.Panel value="databases">
          <Databases tenant={tenant} />
        </Tabs.Panel>
        <Tabs.Panel value="events">
          <EventsOf tenant={tenant} />
        </Tabs.Panel>
        <Tabs.Panel value="connections">
          <Answer query={query}>{({ connections }) => <Connections connections={connections} />}</Answer>
        </Tabs.Panel>
        <Tabs.Panel value="sweeps">
          <Answer query={query}>
            {({ sweep }) =>
              sweep === null ? (
                <>
                  <Empty>The tenant has not been compared with Notion yet.</Empty>
                  <SweepActs sweep={{ workspaceId: tenant, last: null }} />
                </>
              ) : (
                <SweepFacts sweep={sweep} />
              )
            }
          </Answer>
        </Tabs.Panel>
        <Tabs.Panel value="dead-letters">
          <Letters tenant={tenant} />
        </Tabs.Panel>
      </Tabs>
    </>
  );
}

function Sentence({ answer: { tenant, text, parked, rows, notion } }: { readonly answer: TenantAnswer }) {
  const { complete, scanning, incomplete, off } = rows.dataSources;
  return (
    <>
      <p className="sentence">
        <Prose text={text} />
      </p>
      <Group gap="lg" mb="lg">
        <span>
          <span className="dim">Connections</span> <TenantState state={tenant.state} />
        </span>
        <span>
          <span className="dim">Waiting</span> {figure(tenant.waiting)}
        </span>
        <span>
          <span className="dim">Parked</span> {figure(parked)}
        </span>
        <span>
          <span className="dim">Last webhook</span> <Time at={tenant.lastWebhookAt} />
        </span>
        <span>
          <span className="dim">Compared</span> <Time at={tenant.comparedAt} />
        </span>
        <span>
          <span className="dim">Tables</span> {complete} complete, {scanning} scanning, {incomplete} incomplete, {off} off
        </span>
        {notion.map((use) => (
          <span key={use.connectionId}>
            <span className="dim">Calls to Notion in 60 s</span> <CallGauge use={use} />
            {use.windowEndsAt === null ? null : (
              <span className="dim">
                {' '}
                first counts until <Time at={use.windowEndsAt} />
              </span>
            )}
            {use.heldUntil === null ? null : (
              <span className="warn">
                {' '}
                held until <Time at={use.heldUntil} />
              </span>
            )}
          </span>
        ))}
      </Group>
      {tenant.held === null ? null : (
        <Text mb="md" className="warn">
          Held until <Time at={tenant.held.until} />: {tenant.held.class}, {tenant.held.code}. {tenant.held.message}
        </Text>
      )}
    </>
  );
}

const databaseColumns: readonly Column<DatabaseLine>[] = [
  {
    id: 'title',
    header: 'Database',
    cell: ({ workspaceId, databaseId, title }) => (
      <PageLink to="/t/$tenant/d/$database" params={{ tenant: workspaceId, database: databaseId }} title={title ?? databaseId}>
        {title === null ? <span className="id">{databaseId}</span> : title === '' ? 'Untitled' : middle(title, 60)}
      </PageLink>
    ),
  },
  {
    id: 'sources',
    header: 'Data sources',
    cell: ({ dataSources }) => dataSources.map(({ name, dataSourceId }) => middle(name ?? dataSourceId, 30)).join(', '),
  },
  {
    id: 'removed',
    header: 'State',
    cell: ({ removed }) =>
      removed === null ? (
        'live'
      ) : (
        <span className="warn">
          {removed.reason} <Time at={removed.at} />, forgotten <Time at={removed.until} />
        </span>
      ),
  },
  { id: 'edited', header: 'Edited', cell: ({ lastEditedTime }) => <Time at={lastEditedTime} /> },
  { id: 'asOf', header: 'As of', cell: ({ asOf }) => <Time at={asOf} /> },
  { id: 'rev', header: 'Rev', isNumber: true, cell: ({ rev }) => rev },
];

function Databases({ tenant }: { readonly tenant: string }) {
  const { q, removed } = useSearch({ from: '/t/$tenant' });
  const navigate = useNavigate({ from: '/t/$tenant' });
  const list = useInfiniteQuery(databases(tenant, { q, removed }));
  const all = useAll(list.data, ({ databases: some }) => some);
  const change = (fields: { readonly q?: string; readonly removed?: string }) =>
    void navigate({ search: (known) => ({ ...known, ...fields }), replace: true });
  return (
    <>
      <Group mb="md" align="flex-end" role="search">
        <FilterField
          label="Database"
          placeholder="a part of its title, id or Notion URL"
          w="20rem"
          value={q}
          onValue={(text) => change({ q: text })}
        />
        <Switch
          label="Removed ones"
          mb={8}
          checked={removed === '1'}
          onChange={(event) => change({ removed: event.currentTarget.checked ? '1' : '' })}
        />
      </Group>
      <Answer query={list}>
        {() =>
          all.length > 0 ? (
            <>
              <DataTable label="Databases" columns={databaseColumns} rows={all} keyOf={({ databaseId }) => databaseId} />
              <More list={list} />
            </>
          ) : q !== undefined ? (
            <Empty>No database fits “{q}”.</Empty>
          ) : removed === '1' ? (
            <Empty>No tombstone: nothing was removed lately.</Empty>
          ) : (
            <Empty command={`mirror reconcile run ${shellWord(tenant)}`}>
              No database. The tenant&apos;s connections may share none with us, or have not been compared with Notion yet:
            </Empty>
          )
        }
      </Answer>
    </>
  );
}

function EventsOf({ tenant }: { readonly tenant: string }) {
  const list = useInfiniteQuery(events({ tenant }));
  const all = useAll(list.data, ({ events: some }) => some);
  return (
    <Answer query={list}>
      {() => (
        <>
          <Text size="sm" mb={4}>
            <PageLink to="/events" search={{ tenant }}>
              Live, with filters
            </PageLink>
          </Text>
          {all.length > 0 ? (
            <EventsTable events={all} label="Events of the tenant" withTenant={false} />
          ) : (
            <Empty>No event of it is kept.</Empty>
          )}
          <More list={list} />
        </>
      )}
    </Answer>
  );
}

const connectionColumns: readonly Column<ConnectionLine>[] = [
  { id: 'id', header: 'Connection', cell: ({ connectionId }) => <Id value={connectionId} label="the connection's id" /> },
  {
    id: 'status',
    header: 'State',
    cell: ({ status, statusReason }) => (
      <>
        <TenantState state={status} />
        {statusReason === null ? null : <span className="dim"> {statusReason}</span>}
      </>
    ),
  },
  { id: 'key', header: 'Integration', cell: ({ providerConfigKey }) => providerConfigKey },
  {
    id: 'workspace',
    header: 'Notion workspace',
    cell: ({ notionWorkspaceId }) => <Id value={notionWorkspaceId} label="the Notion workspace's id" />,
  },
  { id: 'token', header: 'Token', cell: ({ tokenHeldBy }) => (tokenHeldBy === null ? 'none' : `held by ${tokenHeldBy}`) },
  { id: 'updated', header: 'Changed', cell: ({ updatedAt }) => <Time at={updatedAt} /> },
  { id: 'act', header: 'Act', cell: (connection) => <PauseOrResume connection={connection} /> },
];

const whyNotPause = 'why-not-pause';

function PauseOrResume({ connection: { connectionId, workspaceId, status } }: { readonly connection: ConnectionLine }) {
  const client = useQueryClient();
  if (status !== 'active' && status !== 'paused') return <span className="dim">–</span>;
  const isActive = status === 'active';
  const verb = isActive ? 'pause' : 'resume';
  return (
    <Act
      action="pause"
      label={isActive ? 'Pause' : 'Resume'}
      about={connectionId}
      whyId={whyNotPause}
      title={`${isActive ? 'Pause' : 'Resume'} the connection ${connectionId}`}
      command={`mirror connections ${verb} ${shellWord(connectionId)}`}
      onAct={async (reason) => {
        const { outcome, connection } = await setPaused(connectionId, isActive, reason);
        await client.invalidateQueries({ queryKey: tenantQuery(workspaceId).queryKey });
        return outcome === 'unchanged' ? `It was ${connection.status} already.` : `It is ${connection.status}.`;
      }}
    >
      {isActive
        ? 'Until it is resumed, Notion is not asked through it, and new webhooks for it are ignored. A comparison then finds what changed.'
        : 'Its tenant is compared with Notion, which finds what changed meanwhile.'}
    </Act>
  );
}

function Connections({ connections }: { readonly connections: readonly ConnectionLine[] }) {
  if (connections.length === 0) return <Empty command="mirror connections add --help">No connection.</Empty>;
  return (
    <>
      <WhyNot actions={['pause']} id={whyNotPause} />
      <DataTable label="Connections" columns={connectionColumns} rows={connections} keyOf={({ connectionId }) => connectionId} />
    </>
  );
}

function Letters({ tenant }: { readonly tenant: string }) {
  const list = useInfiniteQuery(letters({ tenant }));
  const all = useAll(list.data, ({ letters: some }) => some);
  return (
    <Answer query={list}>
      {() => (
        <>
          {all.length > 0 ? (
            <>
              <WhyNot actions={['redrive', 'drop']} id="why-not-letters" />
              <Group gap="xs" mb={4}>
                <Text size="sm">All of the tenant:</Text>
                <PlanLinks about={`all of ${tenant}`} filter={{ tenant }} whyId="why-not-letters" />
              </Group>
              <LettersTable letters={all} />
            </>
          ) : (
            <Empty>Nothing waits for you: the tenant has no dead letter.</Empty>
          )}
          <More list={list} />
        </>
      )}
    </Answer>
  );
}
