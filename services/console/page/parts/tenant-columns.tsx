import type { Freshness, TenantLine } from '../../src/answers/tenants.ts';
import type { Column } from './data-table.tsx';
import { TenantLink } from './link.tsx';
import { figure } from './text.ts';
import { Time } from './time.tsx';

const words: Record<Freshness, string> = { second: 'fresh', ten_seconds: '≤ 10 s', minute: '≤ 1 min', more: 'behind', held: 'held' };
const states = { active: 'good', unauthorized: 'bad', paused: 'warn', deleted: 'dim' } as const;

export function TenantState({ state }: { readonly state: TenantLine['state'] }) {
  return <span className={states[state]}>{state}</span>;
}

export const tenantColumns: readonly Column<TenantLine>[] = [
  {
    id: 'tenant',
    header: 'Tenant',
    cell: ({ workspaceId }) => <TenantLink workspaceId={workspaceId} longest={40} />,
  },
  { id: 'state', header: 'Connections', cell: ({ state }) => <TenantState state={state} /> },
  { id: 'freshness', header: 'Freshness', cell: (tenant) => <FreshnessText tenant={tenant} /> },
  { id: 'waiting', header: 'Waiting', isNumber: true, cell: ({ waiting }) => figure(waiting) },
  { id: 'oldest', header: 'Oldest', cell: ({ oldestAt }) => <Time at={oldestAt} /> },
  {
    id: 'databases',
    header: <span title="As of the last comparison with Notion">Databases</span>,
    isNumber: true,
    cell: ({ databases }) => databases?.toLocaleString('en') ?? <span className="dim">–</span>,
  },
  {
    id: 'webhook',
    header: 'Last webhook',
    cell: ({ lastWebhookAt, isSilent }) => (
      <>
        <Time at={lastWebhookAt} />
        {isSilent ? <span className="warn"> silent</span> : null}
      </>
    ),
  },
  { id: 'compared', header: 'Compared with Notion', cell: ({ comparedAt }) => <Time at={comparedAt} /> },
];

function FreshnessText({ tenant: { freshness, held } }: { readonly tenant: TenantLine }) {
  if (held === null) return <span className={freshness === 'second' ? 'good' : 'warn'}>{words[freshness]}</span>;
  return (
    <span className="warn" title={held.message}>
      held until <Time at={held.until} withAge={false} />: {held.code}
    </span>
  );
}
