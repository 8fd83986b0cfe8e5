import { Group, Text } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback, useMemo, useState } from 'react';
import type { LetterCause } from '../../src/answers/dead-letters.ts';
import { deadLetters, letters } from '../api.ts';
import { WhyNot } from '../parts/act.tsx';
import { CausesTable, causeColumns } from '../parts/causes-table.tsx';
import { ClearFilters } from '../parts/clear-filters.tsx';
import type { Column } from '../parts/data-table.tsx';
import { Empty } from '../parts/failure.tsx';
import { FilterField } from '../parts/filter-field.tsx';
import { FilterSelect } from '../parts/filter-select.tsx';
import { FilterTime } from '../parts/filter-time.tsx';
import { filterFlags, filterText } from '../parts/letter-filter.ts';
import { LettersTable } from '../parts/letters-table.tsx';
import { PageLink } from '../parts/link.tsx';
import { More } from '../parts/more.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { Panel } from '../parts/panel.tsx';
import { PlanLinks } from '../parts/plan-links.tsx';
import { count } from '../parts/text.ts';
import { useAll } from '../parts/use-all.ts';

const whyId = 'why-not-letters';

const columns: readonly Column<LetterCause>[] = [
  ...causeColumns,
  {
    id: 'act',
    header: 'Act',
    cell: ({ class: kind, code, service }) => (
      <PlanLinks about={`${kind}, ${code}, ${service}`} filter={{ class: kind, code, service }} whyId={whyId} />
    ),
  },
];

const services = ['sync-worker', 'delete-worker', 'ingress'];
const serviceOptions = [{ value: '', label: 'any' }, ...services.map((value) => ({ value, label: value }))];

/** What is lost until I act? */
export function DeadLetters() {
  const { settled, ...filter } = useSearch({ from: '/dead-letters' });
  const navigate = useNavigate({ from: '/dead-letters' });
  const causes = useQuery(deadLetters);
  const isFiltered = Object.values(filter).some((value) => value !== undefined) || settled !== undefined;
  const change = (fields: { readonly [name in keyof typeof filter]?: string }) =>
    void navigate({ search: (known) => ({ ...known, ...fields }), replace: true });
  return (
    <>
      <PageHead title="Dead letters" command={['mirror dead-letters list', ...filterFlags(filter)].join(' ')} />
      <WhyNot actions={['redrive', 'drop']} id={whyId} />
      <Panel title="By cause" query={causes}>
        {(answer) =>
          answer.causes.length === 0 ? (
            <Empty>Nothing waits for you: every event was handled, or is still being retried.</Empty>
          ) : (
            <>
              <Text size="sm" c="dimmed">
                {count(answer.letters, 'letter')} of {count(answer.tenants, 'tenant')}
              </Text>
              <CausesTable label="Causes" causes={answer.causes} columns={columns} />
            </>
          )
        }
      </Panel>
      <Group mb="md" align="flex-end" role="search" gap="sm">
        <FilterField label="Class" w="8rem" value={filter.class} onValue={(text) => change({ class: text })} />
        <FilterField label="Code" value={filter.code} onValue={(code) => change({ code })} />
        <FilterSelect label="Service" options={serviceOptions} value={filter.service} onValue={(service) => change({ service })} />
        <FilterField label="Tenant" value={filter.tenant} onValue={(tenant) => change({ tenant })} />
        <FilterTime label="Failed since" value={filter.since} onValue={(since) => change({ since })} />
        <ClearFilters isFiltered={isFiltered} onClear={() => void navigate({ search: {} })} />
      </Group>
      {isFiltered ? (
        <Letters />
      ) : (causes.data?.causes ?? []).length === 0 ? null : (
        <Text size="sm" c="dimmed">
          Follow a cause, or filter, to see its letters.
        </Text>
      )}
    </>
  );
}

/** A link to a plan of more would be too long. */
const mostChosen = 500;

/** The letters of what the address names. */
function Letters() {
  const search = useSearch({ from: '/dead-letters' });
  const { settled, ...filter } = search;
  const list = useInfiniteQuery(letters(search));
  const all = useAll(list.data, ({ letters: some }) => some);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const onChoose = useCallback((refs: readonly string[], isChosen: boolean) => {
    setChosen((before) => {
      const next = new Set(before);
      for (const ref of refs) {
        if (isChosen) next.add(ref);
        else next.delete(ref);
      }
      return next;
    });
  }, []);
  const choice = useMemo(() => ({ chosen, onChoose }), [chosen, onChoose]);
  const text = filterText(filter);
  return (
    <Panel
      title={text === '' ? 'Letters' : `Letters: ${text}`}
      query={list}
      right={
        <PageLink to="/dead-letters" search={({ settled: shown, ...rest }) => (shown === '1' ? rest : { ...rest, settled: '1' })}>
          {settled === '1' ? 'Hide settled ones' : 'Show settled ones, too'}
        </PageLink>
      }
    >
      {() => (
        <>
          {all.length > 0 ? (
            <>
              <Group gap="lg">
                {text === '' ? null : (
                  <Group gap="xs">
                    <Text size="sm">All that fit:</Text>
                    <PlanLinks about="all that fit the filter" filter={filter} whyId={whyId} />
                  </Group>
                )}
                <Group gap="xs">
                  <Text size="sm">{chosen.size === 0 ? 'None is chosen:' : `${count(chosen.size, 'letter')} chosen:`}</Text>
                  <PlanLinks
                    about="the chosen letters"
                    refs={[...chosen]}
                    whyId={`${whyId} why-not-chosen`}
                    notNow={chosen.size === 0 || chosen.size > mostChosen ? 'choose' : null}
                  />
                  <Text size="sm" c="dimmed" id="why-not-chosen">
                    {chosen.size === 0
                      ? 'Choose some below.'
                      : chosen.size > mostChosen
                        ? `At most ${mostChosen}: use the filter instead.`
                        : ''}
                  </Text>
                </Group>
              </Group>
              <LettersTable letters={all} choice={choice} />
            </>
          ) : (
            <Empty>
              No waiting letter fits. <PageLink to="/dead-letters">Show all causes</PageLink>
            </Empty>
          )}
          <More list={list} />
        </>
      )}
    </Panel>
  );
}
