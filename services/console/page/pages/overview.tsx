import { Group, List, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, type ReactNode } from 'react';
import type { Figures, GroupLine, Headline, Minute, NotionUse, StatusAnswer } from '../../src/answers/status.ts';
import type { Freshness, TenantLine } from '../../src/answers/tenants.ts';
import { status, work } from '../api.ts';
import { ConsoleError } from '../console-error.ts';
import { CallBudgets } from '../parts/call-budgets.tsx';
import { CallLimits } from '../parts/call-limits.tsx';
import { DataTable, type Column } from '../parts/data-table.tsx';
import { EventsTable, NewPill } from '../parts/events-table.tsx';
import { Empty, Failure } from '../parts/failure.tsx';
import { PageLink } from '../parts/link.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { Answer, Panel } from '../parts/panel.tsx';
import { Sparkline } from '../parts/sparkline.tsx';
import { tenantColumns } from '../parts/tenant-columns.tsx';
import { count, figure } from '../parts/text.ts';
import { durationText } from '../parts/time-text.ts';
import { Time } from '../parts/time.tsx';
import { useArrivals } from '../parts/use-arrivals.ts';

/** Is it well, now? */
export function Overview() {
  const now = useQuery(status);
  return (
    <>
      <PageHead title="Overview" command="mirror status --watch" />
      <Answer query={now}>
        {({ headline }) => (now.isError ? <LastKnown text={headline.text} at={now.dataUpdatedAt} /> : <Sentence headline={headline} />)}
      </Answer>
      {now.data === undefined ? null : <Facts answer={now.data} />}
      {now.data === undefined ? null : <Latest />}
    </>
  );
}

const levels = { good: { mark: '✓', word: 'Good' }, warning: { mark: '!', word: 'Warning' }, bad: { mark: '✗', word: 'Problem' } } as const;
const colours = { good: 'good', warning: 'warn', bad: 'bad' } as const;

/** What was so before the console stopped answering is no reason to be calm. */
function LastKnown({ text, at }: { readonly text: string; readonly at: number }) {
  return (
    <p className="sentence dim">
      <Time at={new Date(at).toISOString()} />: {text}
    </p>
  );
}

function Sentence({ headline: { level, text, needs } }: { readonly headline: Headline }) {
  return (
    <Stack gap="xs" mb="lg">
      <p className={`sentence ${colours[level]}`}>
        <span role="img" aria-label={levels[level].word}>
          {levels[level].mark}
        </span>{' '}
        {text}
      </p>
      {needs.length === 0 ? null : (
        <List spacing={4} aria-label="What needs you">
          {needs.map((need) => (
            <List.Item key={`${need.code} ${need.to} ${need.text}`}>
              <span className={colours[need.level]}>{levels[need.level].word}</span>: {need.text}{' '}
              {need.since === null ? null : (
                <span className="dim">
                  since <Time at={need.since} />
                </span>
              )}{' '}
              <PageLink to={need.to} aria-label={`Show: ${need.text}`}>
                Show
              </PageLink>
            </List.Item>
          ))}
        </List>
      )}
    </Stack>
  );
}

function Facts({ answer }: { readonly answer: StatusAnswer }) {
  const { figures, groups, freshness, worst, unavailable, notion } = answer;
  const hour = useQuery(work).data?.limits ?? [];
  return (
    <>
      {unavailable.map(({ server, message, remedy }) => (
        <Failure key={server} error={new ConsoleError(`${server}_unavailable`, message, { remedy })} />
      ))}
      <Numbers figures={figures} groups={groups} notion={notion} />
      <Strip freshness={freshness} />
      <Counts answer={answer} />
      {groups === null ? null : <Groups groups={groups} />}
      {worst.length === 0 ? null : <Worst tenants={worst} />}
      <CallLimits minute={notion.limits} hour={hour} />
      {notion.busiest.length === 0 ? null : <CallBudgets title="Busiest connections" uses={notion.busiest} />}
    </>
  );
}

interface NumbersProps {
  readonly figures: Figures;
  readonly groups: readonly GroupLine[] | null;
  readonly notion: NotionUse;
}

const perSecond = (value: number) => value.toFixed(1);
const whole = (value: number) => figure(Math.round(value));

function Numbers({ figures, groups, notion }: NumbersProps) {
  const { seconds, eventsPerSecond, documentsPerSecond, freshness, notionCallsPerMinute, limitedPerMinute, callsSavedPerMinute } = figures;
  const minutes = useQuery(work).data?.minutes ?? [];
  const of = (value: (minute: Minute) => number | null) => minutes.map((minute) => (minute === null ? null : value(minute)));
  const oldest = groups === null ? null : Math.max(0, ...groups.map(({ lagSeconds }) => lagSeconds));
  return (
    <Stack gap={4} mb="lg" component="section">
      <Title order={2}>Figures</Title>
      <SimpleGrid cols={{ base: 2, md: 5 }} spacing="xs">
        <Figure name="Events a second" value={perSecond(eventsPerSecond)}>
          <Sparkline name="Events a second" values={of(({ events }) => events / 60)} textOf={perSecond} />
        </Figure>
        <Figure name="Documents a second" value={perSecond(documentsPerSecond)}>
          <Sparkline name="Documents a second" values={of(({ documents }) => documents / 60)} textOf={perSecond} />
        </Figure>
        <Figure
          name="Receipt to document"
          value={freshness === null ? '–' : durationText(freshness.p50Ms)}
          note={freshness === null ? 'none was written' : `p50; p95 ${durationText(freshness.p95Ms)}`}
        >
          <Sparkline name="Receipt to document, p95," values={of((minute) => minute.freshness?.p95Ms ?? null)} textOf={durationText} />
        </Figure>
        <Figure name="Oldest not done" value={oldest === null ? 'unknown' : oldest === 0 ? 'none' : durationText(oldest * 1_000)} />
        <Figure
          name="Notion calls a minute"
          value={whole(notionCallsPerMinute)}
          note={`${notion.connections === 0 ? '' : `of ${whole(notion.limit)} for ${count(notion.connections, 'connection')}; `}${whole(callsSavedPerMinute)} saved by coalescing${limitedPerMinute === 0 ? '' : `; ${whole(limitedPerMinute)} refused (429)`}`}
        >
          <Sparkline name="Notion calls a minute" values={of(({ calls }) => calls)} textOf={whole} />
        </Figure>
      </SimpleGrid>
      <Text size="xs" c="dimmed">
        {seconds === 0
          ? 'No worker reports'
          : `Of the last ${durationText(seconds * 1_000)}, as the workers report; the lines are of one hour`}
      </Text>
    </Stack>
  );
}

interface FigureProps {
  readonly name: string;
  readonly value: string;
  readonly note?: string;
  readonly children?: ReactNode;
}

function Figure({ name, value, note, children }: FigureProps) {
  return (
    <div className="figure">
      <span className="dim">{name}</span>
      <strong>{value}</strong>
      {note === undefined ? null : <span className="dim">{note}</span>}
      {children}
    </div>
  );
}

const buckets: readonly (readonly [Freshness, string])[] = [
  ['second', '≤ 1 s'],
  ['ten_seconds', '≤ 10 s'],
  ['minute', '≤ 1 min'],
  ['more', 'more'],
  ['held', 'held'],
];

function Strip({ freshness }: { readonly freshness: StatusAnswer['freshness'] }) {
  const all = buckets.reduce((sum, [bucket]) => sum + freshness[bucket], 0);
  return (
    <Stack gap={4} mb="lg" component="section">
      <Title order={2}>Freshness of {count(all, 'tenant')}</Title>
      {all === 0 ? (
        <Empty command="mirror connections add --help">
          No connection yet, so nothing is mirrored. Connect a Notion workspace at Nango, or add a connection by hand.
        </Empty>
      ) : (
        <nav className="strip" aria-label="Tenants by the age of their oldest waiting event">
          {buckets.map(([bucket, label]) => (
            <PageLink key={bucket} to="/tenants" search={{ freshness: bucket }} style={{ flexGrow: 1 + (6 * freshness[bucket]) / all }}>
              <strong>{figure(freshness[bucket])}</strong> <span className="dim">{label}</span>
            </PageLink>
          ))}
        </nav>
      )}
    </Stack>
  );
}

function Counts({ answer: { deadLetters, spooled, parked, rows } }: { readonly answer: StatusAnswer }) {
  const tables = Object.values(rows.dataSources).reduce((sum, n) => sum + n, 0);
  const shownLetters = deadLetters === null ? 'unknown' : figure(deadLetters);
  return (
    <Group gap="lg" mb="lg">
      <PageLink to="/dead-letters">
        <Item name="Dead letters">{shownLetters}</Item>
      </PageLink>
      <Item name="Waiting for Kafka">{figure(spooled)}</Item>
      <PageLink to="/events" search={{ needsLook: '1', outcome: 'parked' }}>
        <Item name="Parked">{figure(parked)}</Item>
      </PageLink>
      <Item name="Rows">{figure(rows.mirrored)}</Item>
      <Item name="Tables complete">{`${rows.dataSources.complete} of ${tables}`}</Item>
    </Group>
  );
}

function Item({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <span>
      <span className="dim">{name}</span> {children}
    </span>
  );
}

const groupColumns: readonly Column<GroupLine>[] = [
  { id: 'service', header: 'Workers', cell: ({ service }) => service },
  {
    id: 'workers',
    header: 'Processes',
    isNumber: true,
    cell: ({ workers }) => (workers === 0 ? <span className="bad">none</span> : workers),
  },
  { id: 'lag', header: 'Unfinished events', isNumber: true, cell: ({ lag }) => figure(lag) },
  { id: 'oldest', header: 'Oldest', cell: ({ oldestAt }) => <Time at={oldestAt} /> },
  { id: 'running', header: 'Running', isNumber: true, cell: ({ running }) => running },
  { id: 'waiting', header: 'Waiting in memory', isNumber: true, cell: ({ waiting }) => figure(waiting) },
];

function Groups({ groups }: { readonly groups: readonly GroupLine[] }) {
  return (
    <Stack gap={4} mb="lg" component="section">
      <Title order={2}>Workers</Title>
      <DataTable label="Workers" columns={groupColumns} rows={groups} keyOf={({ service }) => service} />
    </Stack>
  );
}

function Worst({ tenants }: { readonly tenants: readonly TenantLine[] }) {
  return (
    <Stack gap={4} mb="lg" component="section">
      <Title order={2}>Furthest behind</Title>
      <DataTable label="Tenants furthest behind" columns={tenantColumns} rows={tenants} keyOf={({ workspaceId }) => workspaceId} />
    </Stack>
  );
}

const latestShown = 8;
const anything = () => true;
const everyTenant = { tenant: undefined };

/** The last events, live. Those of the status count as arrived, so that none is missed before the stream is open. */
function Latest() {
  const client = useQueryClient();
  const query = useQuery(status);
  const list = useRef<HTMLDivElement>(null);
  const { arrivals, hasGap, seed, show } = useArrivals({
    wanted: everyTenant,
    isWanted: anything,
    list,
    onGap: () => void client.invalidateQueries(status),
  });
  const latest = query.data?.latest;
  useEffect(() => {
    if (latest !== undefined) seed(latest);
  }, [latest, seed]);
  return (
    <Panel
      title="Latest events"
      query={query}
      hasFailureElsewhere
      right={
        <>
          <PageLink to="/events" search={{ needsLook: '1' }}>
            Those that need a look
          </PageLink>
          <PageLink to="/events">All events</PageLink>
        </>
      }
    >
      {() => (
        <div ref={list}>
          <NewPill waiting={arrivals.waitingCount} hasGap={hasGap} onShow={show} />
          {arrivals.shown.length === 0 ? (
            <Empty command="mirror doctor --url https://your-ingress.example">
              No event yet, or outcomes are not kept (MIRROR_OUTCOME_RETENTION_DAYS=0). Check that webhooks reach the ingress:
            </Empty>
          ) : (
            <EventsTable events={arrivals.shown.slice(0, latestShown)} label="Latest events" />
          )}
        </div>
      )}
    </Panel>
  );
}
