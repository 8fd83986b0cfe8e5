import { Group } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import type { ActionLine, ActionName } from '../../src/answers/audit.ts';
import { audit } from '../api.ts';
import { ClearFilters } from '../parts/clear-filters.tsx';
import { DataTable, type Column } from '../parts/data-table.tsx';
import { Empty } from '../parts/failure.tsx';
import { FilterField } from '../parts/filter-field.tsx';
import { FilterSelect } from '../parts/filter-select.tsx';
import { PageLink, TenantLink } from '../parts/link.tsx';
import { More } from '../parts/more.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { Answer } from '../parts/panel.tsx';
import { middle, shellWord } from '../parts/text.ts';
import { Time } from '../parts/time.tsx';
import { useAll } from '../parts/use-all.ts';

const names: Record<ActionName, string> = {
  'connections.add': 'connection added',
  'connections.pause': 'connection paused',
  'connections.resume': 'connection resumed',
  'connections.remove': 'connection removed',
  'connections.purge': 'tenant purged',
  'dead_letters.redrive': 'dead letters redriven',
  'dead_letters.drop': 'dead letters dropped',
  'handshake.show': 'handshake token shown',
  'handshake.reset': 'handshake reset',
  'reconcile.run': 'comparison requested',
  'replay.run': 'replay run',
  'replay.switch': 'shadow switched',
  'replay.cancel': 'replay cancelled',
  'rows.scan': 'scan of rows requested',
  'rows.on': 'rows turned on',
  'rows.off': 'rows turned off',
  'verify.fix': 'differences fixed',
};
const options = [{ value: '', label: 'any' }, ...Object.entries(names).map(([value, label]) => ({ value, label }))];
const colours: Record<ActionLine['outcome'], string> = {
  begun: 'warn',
  interrupted: 'warn',
  stopped: 'warn',
  done: '',
  failed: 'bad',
};

const columns: readonly Column<ActionLine>[] = [
  {
    id: 'at',
    header: 'Began',
    cell: ({ id, at, isJob }) =>
      isJob ? (
        <PageLink to="/jobs/$id" params={{ id }}>
          <Time at={at} />
        </PageLink>
      ) : (
        <Time at={at} />
      ),
  },
  { id: 'who', header: 'Who', cell: ({ who, via }) => (via === 'cli' ? `${who}, by the command` : who) },
  { id: 'action', header: 'What', cell: ({ action }) => <span title={action}>{names[action]}</span> },
  {
    id: 'tenant',
    header: 'Tenant',
    cell: ({ workspaceId }) => <TenantLink workspaceId={workspaceId} longest={32} />,
  },
  { id: 'about', header: 'About', cell: ({ target }) => <Words text={wordsOf(target)} /> },
  {
    id: 'outcome',
    header: 'Ended',
    cell: ({ outcome, failure, endedAt }) => (
      <span className={colours[outcome]}>
        {failure === null ? outcome : `${outcome}: ${failure}`} {endedAt === null ? null : <Time at={endedAt} withAge={false} />}
      </span>
    ),
  },
  { id: 'counts', header: 'Did', cell: ({ counts }) => <Words text={wordsOf(counts)} /> },
  { id: 'reason', header: 'Why', cell: ({ reason }) => <Words text={reason ?? ''} /> },
];

/** Who did what? */
export function Audit() {
  const filter = useSearch({ from: '/audit' });
  const navigate = useNavigate({ from: '/audit' });
  const list = useInfiniteQuery({ ...audit(filter), refetchInterval: 10_000 });
  const all = useAll(list.data, ({ actions }) => actions);
  const isFiltered = Object.values(filter).some((value) => value !== undefined);
  const change = (fields: { readonly [name in keyof typeof filter]?: string }) =>
    void navigate({ search: (known) => ({ ...known, ...fields }), replace: true });
  const flags = [
    ...(filter.who === undefined ? [] : ['--who', shellWord(filter.who)]),
    ...(filter.action === undefined ? [] : ['--action', shellWord(filter.action)]),
    ...(filter.tenant === undefined ? [] : ['--workspace-id', shellWord(filter.tenant)]),
  ];
  return (
    <>
      <PageHead title="Audit" command={['mirror audit list', ...flags].join(' ')} />
      <Group mb="md" align="flex-end" role="search" gap="sm">
        <FilterField label="Who" value={filter.who} onValue={(who) => change({ who })} />
        <FilterSelect label="What" options={options} value={filter.action} onValue={(action) => change({ action })} />
        <FilterField label="Tenant" value={filter.tenant} onValue={(tenant) => change({ tenant })} />
        <ClearFilters isFiltered={isFiltered} onClear={() => void navigate({ search: {} })} />
      </Group>
      <Answer query={list}>
        {() => (
          <>
            {all.length > 0 ? (
              <DataTable label="Actions" columns={columns} rows={all} keyOf={({ id }) => id} />
            ) : isFiltered ? (
              <Empty>
                No action fits the filter. They are kept for 400 days. <PageLink to="/audit">Drop the filter</PageLink>
              </Empty>
            ) : (
              <Empty command="mirror --help">No operator has changed anything yet. Each command that does is listed here:</Empty>
            )}
            <More list={list} />
          </>
        )}
      </Answer>
    </>
  );
}

function Words({ text }: { readonly text: string }) {
  return text === '' ? <span className="dim">–</span> : <span title={text}>{middle(text, 160)}</span>;
}

/** What is 0 is left out. */
function wordsOf(values: ActionLine['target']): string {
  const said = Object.entries(values).filter(([, value]) => value !== 0);
  return said.map(([name, value]) => `${plainName(name)} ${typeof value === 'object' ? value.join(', ') : String(value)}`).join(', ');
}

/** `connectionId`: connection id. */
function plainName(field: string): string {
  return field.replaceAll(/[A-Z]/g, (capital) => ` ${capital.toLowerCase()}`);
}
