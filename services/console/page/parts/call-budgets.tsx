import { Stack, Title } from '@mantine/core';
import type { ConnectionUse } from '../../src/answers/status.ts';
import { DataTable, type Column } from './data-table.tsx';
import { TenantLink } from './link.tsx';
import { middle } from './text.ts';
import { Time } from './time.tsx';

/** Calls of the window of 60 s, of those allowed now. */
export function CallGauge({ use: { connectionId, calls, limit } }: { readonly use: ConnectionUse }) {
  return (
    <span className="gauge">
      <meter min={0} max={limit} value={Math.min(calls, limit)} aria-label={`Calls to Notion in 60 s by ${connectionId}`} /> {calls} of{' '}
      {limit}
    </span>
  );
}

const columns: readonly Column<ConnectionUse>[] = [
  { id: 'connection', header: 'Connection', cell: ({ connectionId }) => <span className="id">{middle(connectionId, 24)}</span> },
  {
    id: 'tenant',
    header: 'Tenant',
    cell: ({ workspaceId }) => <TenantLink workspaceId={workspaceId} longest={24} />,
  },
  { id: 'calls', header: 'Calls in 60 s', cell: (use) => <CallGauge use={use} /> },
  { id: 'window', header: 'First of them counts until', cell: ({ windowEndsAt }) => <Time at={windowEndsAt} /> },
  { id: 'held', header: 'Held by Notion until', cell: ({ heldUntil }) => <Time at={heldUntil} /> },
];

/** How near the connections are to Notion's limit. */
export function CallBudgets({ title, uses }: { readonly title: string; readonly uses: readonly ConnectionUse[] }) {
  return (
    <Stack gap={4} mb="lg" component="section">
      <Title order={2}>{title}</Title>
      <DataTable label={title} columns={columns} rows={uses} keyOf={({ connectionId }) => connectionId} />
    </Stack>
  );
}
