import { Alert, Code, Group, List, Text, TextInput } from '@mantine/core';
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { admit, tenants } from '../api.ts';
import { Act } from '../parts/act.tsx';
import { DataTable } from '../parts/data-table.tsx';
import { Empty } from '../parts/failure.tsx';
import { FilterField } from '../parts/filter-field.tsx';
import { FilterSelect } from '../parts/filter-select.tsx';
import { PageLink } from '../parts/link.tsx';
import { More } from '../parts/more.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { Answer } from '../parts/panel.tsx';
import { tenantColumns } from '../parts/tenant-columns.tsx';
import { count, shellWord } from '../parts/text.ts';
import { Time } from '../parts/time.tsx';
import { useAll } from '../parts/use-all.ts';

const states = [
  { value: '', label: 'any but deleted' },
  { value: 'active', label: 'active' },
  { value: 'unauthorized', label: 'unauthorized' },
  { value: 'paused', label: 'paused' },
  { value: 'deleted', label: 'deleted' },
];
const freshnesses = [
  { value: '', label: 'any' },
  { value: 'second', label: '≤ 1 s' },
  { value: 'ten_seconds', label: '≤ 10 s' },
  { value: 'minute', label: '≤ 1 min' },
  { value: 'more', label: 'more' },
  { value: 'held', label: 'held' },
];
const orders = [
  { value: '', label: 'worst first' },
  { value: 'name', label: 'by name' },
];

/** Who is behind, and who must reconnect? */
export function Tenants() {
  const filter = useSearch({ from: '/tenants' });
  const navigate = useNavigate({ from: '/tenants' });
  const list = useInfiniteQuery({ ...tenants(filter), refetchInterval: 10_000 });
  const all = useAll(list.data, ({ tenants: some }) => some);
  const change = (fields: Partial<typeof filter>) => void navigate({ search: (known) => ({ ...known, ...fields }), replace: true });
  const isFiltered = Object.values(filter).some((value) => value !== undefined);
  return (
    <>
      <PageHead title="Tenants" command="mirror connections list --json" />
      <Group mb="md" align="flex-end" role="search">
        <FilterField label="Tenant" placeholder="a part of its id" value={filter.q} onValue={(q) => change({ q })} />
        <FilterSelect label="Connections" options={states} value={filter.state} onValue={(state) => change({ state })} />
        <FilterSelect label="Freshness" options={freshnesses} value={filter.freshness} onValue={(freshness) => change({ freshness })} />
        <FilterSelect label="Order" options={orders} value={filter.sort} onValue={(sort) => change({ sort })} />
      </Group>
      <Answer query={list}>
        {({ pages: [first] }) => (
          <>
            {first === undefined || first.leftToYou.length === 0 ? null : (
              <Alert
                color="yellow"
                variant="outline"
                mb="md"
                title={
                  first.leftToYou.length === 1
                    ? '1 new connection needs a tenant'
                    : `${first.leftToYou.length} new connections need a tenant`
                }
              >
                <List size="sm">
                  {first.leftToYou.map(({ connectionId, providerConfigKey, notedAt, problem }) => (
                    <List.Item key={`${providerConfigKey} ${connectionId}`}>
                      <Code>{connectionId}</Code> of {providerConfigKey}, <Time at={notedAt} />: {problem}
                      <Admit connectionId={connectionId} providerConfigKey={providerConfigKey} />
                    </List.Item>
                  ))}
                </List>
              </Alert>
            )}
            {all.length > 0 ? (
              <>
                <Text size="sm" c="dimmed" mb={4}>
                  {count(first?.total ?? all.length, 'tenant')}
                </Text>
                <DataTable label="Tenants" columns={tenantColumns} rows={all} keyOf={({ workspaceId }) => workspaceId} />
                <More list={list} />
              </>
            ) : isFiltered ? (
              <Empty>
                No tenant fits. <PageLink to="/tenants">Drop the filter</PageLink>
              </Empty>
            ) : (
              <Empty command="mirror connections add --help">
                No tenant yet: one appears with its first connection. Connect a Notion workspace at Nango, or add a connection by hand.
              </Empty>
            )}
          </>
        )}
      </Answer>
    </>
  );
}

/** Gives a connection its tenant. */
function Admit({ connectionId, providerConfigKey }: { readonly connectionId: string; readonly providerConfigKey: string }) {
  const client = useQueryClient();
  return (
    <Act
      action="admit"
      label="Give it a tenant"
      about={connectionId}
      title={`Give ${connectionId} its tenant`}
      command={`mirror connections add ${shellWord(connectionId)} --provider-config-key ${shellWord(providerConfigKey)} --workspace-id <tenant>`}
      onAct={async (reason, values) => {
        const name = values.get('tenant');
        const { connection } = await admit(connectionId, {
          reason,
          providerConfigKey,
          tenant: typeof name === 'string' ? name.trim() : '',
        });
        await client.invalidateQueries({ queryKey: ['/tenants'] });
        return `It is of ${connection.workspaceId} now.`;
      }}
    >
      What it shares in Notion is mirrored for this tenant from then on, readable by all who read its documents.
      <TextInput
        mt="sm"
        name="tenant"
        data-autofocus
        label="Tenant"
        description="Your id of the customer, without a colon"
        required
        pattern="[^:]+"
        maxLength={200}
      />
    </Act>
  );
}
