import { Group, Switch, Text } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback, useMemo, useRef } from 'react';
import type { EventLine } from '../../src/answers/events.ts';
import { events } from '../api.ts';
import { fits, together } from '../parts/arrivals.ts';
import { ClearFilters } from '../parts/clear-filters.tsx';
import { eventCommand } from '../parts/event-command.ts';
import { EventsTable, NewPill } from '../parts/events-table.tsx';
import { Empty } from '../parts/failure.tsx';
import { FilterField } from '../parts/filter-field.tsx';
import { FilterSelect } from '../parts/filter-select.tsx';
import { FilterTime } from '../parts/filter-time.tsx';
import { PageLink } from '../parts/link.tsx';
import { More } from '../parts/more.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { Answer } from '../parts/panel.tsx';
import { count } from '../parts/text.ts';
import { Time } from '../parts/time.tsx';
import { useAll } from '../parts/use-all.ts';
import { useArrivals } from '../parts/use-arrivals.ts';

const any = { value: '', label: 'any' };
const options = (values: readonly string[]) => [any, ...values.map((value) => ({ value, label: value }))];
const outcomes = options([
  'written',
  'removed',
  'unchanged',
  'skipped',
  'ignored',
  'parked',
  'deferred',
  'missing',
  'already_removed',
  'stale',
  'rechecking',
  'dead_letter',
]);
const origins = options(['nango', 'notion', 'recheck', 'reconcile', 'operator', 'dependency']);
const services = options(['ingress', 'sync-worker', 'delete-worker']);
const slower = [any, { value: '1000', label: '≥ 1 s' }, { value: '10000', label: '≥ 10 s' }, { value: '60000', label: '≥ 1 min' }];

/** What happens, what happened? */
export function Events() {
  const { live, ...filter } = useSearch({ from: '/events' });
  const navigate = useNavigate({ from: '/events' });
  const client = useQueryClient();
  const order = events(filter);
  const query = useInfiniteQuery(order);
  const loaded = useAll(query.data, ({ events: some }) => some);
  const list = useRef<HTMLDivElement>(null);

  // A list that ends in the past has nothing new.
  const isLive = live !== 'off' && filter.to === undefined;
  const key = JSON.stringify(filter);
  const isWanted = useCallback((event: EventLine) => fits(event, JSON.parse(key)), [key]);
  const { arrivals, hasGap, state, show, reset } = useArrivals({
    wanted: isLive ? { tenant: filter.tenant } : null,
    isWanted,
    list,
    onGap: () => {
      // Before the list is loaded: what arrives meanwhile may not be in it.
      reset();
      // One that is being loaded may be older than the gap.
      void client.cancelQueries(order).then(async () => client.invalidateQueries(order));
    },
  });
  const shown = useMemo(() => together(arrivals.shown.filter(isWanted), loaded), [arrivals.shown, isWanted, loaded]);
  const fresh = useMemo(() => new Set(arrivals.shown.map(({ id }) => id)), [arrivals.shown]);

  const change = (fields: { readonly [name in keyof typeof filter]?: string } & { readonly live?: 'off' }) =>
    void navigate({ search: (known) => ({ ...known, ...fields }), replace: true });
  const toggle = () =>
    void navigate({ search: ({ live: known, ...rest }) => (known === 'off' ? rest : { ...rest, live: 'off' }), replace: true });
  useHotkeys([['l', toggle]]);

  const last = query.data?.pages.at(-1);
  const searchedTo = last?.searchedTo ?? null;
  const isFiltered = Object.values(filter).some((value) => value !== undefined);
  return (
    <>
      <PageHead title="Events" command={eventCommand(filter)}>
        <Switch label="Live" checked={isLive} onChange={toggle} disabled={filter.to !== undefined} />
        <Text size="sm" c="dimmed" w="6rem">
          {filter.to === undefined ? { off: 'paused', connecting: 'connecting…', live: 'following' }[state] : 'in the past'}
        </Text>
      </PageHead>
      <Group mb="md" align="flex-end" role="search" gap="sm">
        <FilterField label="Tenant" value={filter.tenant} onValue={(tenant) => change({ tenant })} />
        <FilterField label="About" placeholder="id or Notion URL" w="16rem" value={filter.about} onValue={(about) => change({ about })} />
        <FilterField label="Type" placeholder="page.created" value={filter.type} onValue={(type) => change({ type })} />
        <FilterSelect label="Outcome" options={outcomes} value={filter.outcome} onValue={(outcome) => change({ outcome })} />
        <FilterSelect label="Origin" options={origins} value={filter.origin} onValue={(origin) => change({ origin })} />
        <FilterSelect label="Service" options={services} value={filter.service} onValue={(service) => change({ service })} />
        <FilterSelect label="Took" options={slower} value={filter.minMs} onValue={(minMs) => change({ minMs })} />
        <FilterTime label="From" value={filter.from} onValue={(from) => change({ from })} />
        <FilterTime label="Until" value={filter.to} onValue={(to) => change({ to })} />
        <Switch
          label="Needs a look"
          mb={4}
          checked={filter.needsLook === '1'}
          onChange={(event) => change({ needsLook: event.currentTarget.checked ? '1' : '' })}
        />
        <ClearFilters isFiltered={isFiltered} onClear={() => void navigate({ search: {} })} />
      </Group>
      <Answer query={query}>
        {() => (
          <div ref={list}>
            <NewPill waiting={arrivals.waitingCount} hasGap={hasGap} onShow={show} />
            {arrivals.left === 0 ? null : (
              <Text size="sm" c="dimmed" mb={4}>
                Too many to show each: {count(arrivals.left, 'event')} left out while live.
              </Text>
            )}
            {shown.length > 0 ? (
              <EventsTable events={shown} label="Events" fresh={fresh} />
            ) : (
              <NoEvents keptDays={last?.keptDays ?? 0} isFiltered={isFiltered} />
            )}
            <More
              list={query}
              note={
                searchedTo === null ? undefined : (
                  <>
                    Searched back to <Time at={searchedTo} />
                  </>
                )
              }
            />
          </div>
        )}
      </Answer>
    </>
  );
}

function NoEvents({ keptDays, isFiltered }: { readonly keptDays: number; readonly isFiltered: boolean }) {
  if (keptDays === 0) return <Empty command="mirror config check">Outcomes are not kept: MIRROR_OUTCOME_RETENTION_DAYS is 0.</Empty>;
  if (isFiltered) {
    return (
      <Empty>
        No event fits the filter. Outcomes are kept for {count(keptDays, 'day')}. <PageLink to="/events">Drop the filter</PageLink>
      </Empty>
    );
  }
  return (
    <Empty command="mirror doctor --url https://your-ingress.example">
      No event yet. Check that webhooks reach the ingress, and that the subscription at Notion is active:
    </Empty>
  );
}
