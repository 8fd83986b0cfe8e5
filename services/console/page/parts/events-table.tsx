import { Button, VisuallyHidden } from '@mantine/core';
import type { EventLine } from '../../src/answers/events.ts';
import type { ArrivedEvent } from './arrivals.ts';
import { DataTable, type Column } from './data-table.tsx';
import { PageLink, TenantLink, TraceLink } from './link.tsx';
import { count, figure, middle } from './text.ts';
import { durationText } from './time-text.ts';
import { Time } from './time.tsx';

const fine = ['written', 'removed', 'unchanged', 'skipped', 'accepted'];
const lost = ['dead_letter', 'quarantined'];

/** The outcome in words; its colour says nothing more. */
export function Outcome({ event: { outcome, reason, failure } }: { readonly event: Pick<EventLine, 'outcome' | 'reason' | 'failure'> }) {
  const kind = fine.includes(outcome) ? 'good' : lost.includes(outcome) ? 'bad' : '';
  const why = reason ?? failure?.code ?? null;
  return (
    <>
      <span className={kind}>{outcome}</span>
      {why === null ? null : <span className="dim"> {why}</span>}
    </>
  );
}

/** What the event is about: the title when there is one, otherwise the id. */
export function Subject({ event }: { readonly event: EventLine }) {
  const { workspaceId, databaseId, pageId, dataSourceId, title } = event;
  const id = pageId ?? databaseId ?? dataSourceId;
  if (id === null) return <span className="dim">–</span>;
  const shown = title === null ? <span className="id">{middle(id, 18)}</span> : middle(title, 44);
  if (workspaceId === null) return shown;
  if (pageId !== null) {
    return (
      <PageLink to="/t/$tenant/r/$page" params={{ tenant: workspaceId, page: pageId }} title={id}>
        {shown}
      </PageLink>
    );
  }
  if (databaseId === null) return shown;
  return (
    <PageLink to="/t/$tenant/d/$database" params={{ tenant: workspaceId, database: databaseId }} title={id}>
      {shown}
    </PageLink>
  );
}

const timeColumn: Column<EventLine> = {
  id: 'at',
  header: 'Time',
  cell: (event) => (
    // An event that waits has no outcome to show: what is known of it says the explanation.
    <PageLink to={event.outcome === 'waiting' ? '/explain/$id' : '/events/$id'} params={{ id: event.id }}>
      <Time at={event.at} withAge={false} />
    </PageLink>
  ),
};

const tenantColumn: Column<EventLine> = {
  id: 'tenant',
  header: 'Tenant',
  cell: ({ workspaceId }) =>
    workspaceId === null ? <span className="dim">none</span> : <TenantLink workspaceId={workspaceId} longest={24} />,
};

const otherColumns: readonly Column<EventLine>[] = [
  { id: 'about', header: 'About', cell: (event) => <Subject event={event} /> },
  { id: 'type', header: 'Type', cell: ({ type, origin }) => (origin === 'nango' || origin === 'notion' ? type : `${type} (${origin})`) },
  { id: 'outcome', header: 'Outcome', cell: (event) => <Outcome event={event} /> },
  { id: 'ms', header: 'Took', isNumber: true, cell: ({ outcome, totalMs }) => (outcome === 'waiting' ? '…' : durationText(totalMs)) },
  {
    id: 'place',
    header: 'Place',
    cell: ({ place }) => <span className="mono dim">{place === null ? '–' : `${place.partition}:${place.offset}`}</span>,
  },
];

const traceColumn: Column<EventLine> = {
  id: 'trace',
  header: 'Trace',
  cell: ({ trace }) => (trace?.url ? <TraceLink url={trace.url}>trace</TraceLink> : <span className="dim">–</span>),
};

const allColumns = [timeColumn, tenantColumn, ...otherColumns, traceColumn];
const ofOneTenant = [timeColumn, ...otherColumns, traceColumn];
const none: readonly string[] = [];
const noTrace = ['trace'];

interface EventsTableProps {
  readonly events: readonly ArrivedEvent[];
  readonly label: string;
  readonly withTenant?: boolean;
  readonly fresh?: ReadonlySet<string>;
}

export function EventsTable({ events, label, withTenant = true, fresh }: EventsTableProps) {
  return (
    <DataTable
      label={label}
      columns={withTenant ? allColumns : ofOneTenant}
      rows={events}
      keyOf={({ key, id }) => key ?? id}
      hidden={events.some(({ trace }) => trace?.url) ? none : noTrace}
      isNew={({ id }) => fresh?.has(id) === true}
    />
  );
}

interface PillProps {
  readonly waiting: number;
  /** Something else has come that is not known here. */
  readonly hasGap: boolean;
  readonly onShow: () => void;
}

/** «37 new»: what arrived while the list was being read. A screen reader hears it, and nothing else of what is live. */
export function NewPill({ waiting, hasGap, onShow }: PillProps) {
  const isShown = waiting > 0 || hasGap;
  return (
    <>
      <VisuallyHidden role="status">{waiting > 0 ? count(waiting, 'new event') : hasGap ? 'New events' : ''}</VisuallyHidden>
      {isShown ? (
        <div className="pill">
          <Button
            size="compact-sm"
            onClick={() => {
              window.scrollTo({ top: 0 });
              // When the table knows that it is at its top: new rows above what it believes to be in sight would move it back.
              requestAnimationFrame(onShow);
            }}
          >
            {waiting > 0 ? `${figure(waiting)}${hasGap ? ' or more' : ''} new` : 'Show the new ones'}
          </Button>
        </div>
      ) : null}
    </>
  );
}
