import { Group, Tabs } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { DatabaseAnswer } from '../../src/answers/databases.ts';
import { database, me, type Place } from '../api.ts';
import { Command, Id } from '../parts/copy.tsx';
import { Crumbs } from '../parts/crumbs.tsx';
import { EqualToNotion } from '../parts/equal-to-notion.tsx';
import { Empty } from '../parts/failure.tsx';
import { Fields } from '../parts/fields.tsx';
import { History } from '../parts/history.tsx';
import { OutLink, PageLink } from '../parts/link.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { Answer } from '../parts/panel.tsx';
import { RawOfDatabase } from '../parts/raw.tsx';
import { RowsOf } from '../parts/rows-of.tsx';
import { Schema } from '../parts/schema.tsx';
import { TabList } from '../parts/tab-list.tsx';
import { middle, shellWord } from '../parts/text.ts';
import { Time } from '../parts/time.tsx';

const tabs = [
  ['schema', 'Schema'],
  ['rows', 'Rows'],
  ['history', 'History'],
  ['raw', 'Raw'],
  ['use', 'Use it'],
] as const;

type Tab = (typeof tabs)[number][0];

/** What do my readers get? */
export function Database() {
  const place = useParams({ from: '/t/$tenant/d/$database' });
  const { tab = 'schema', source } = useSearch({ from: '/t/$tenant/d/$database' });
  const navigate = useNavigate({ from: '/t/$tenant/d/$database' });
  const query = useQuery(database(place));
  const title = query.data?.database.title ?? place.database;
  const sources = query.data?.content?.sources ?? [];
  const shown = source ?? sources.find(({ refused }) => refused === null)?.dataSourceId;
  return (
    <>
      <Crumbs tenant={place.tenant} parents={query.data?.parents ?? []} title={title} />
      <PageHead title={title === '' ? 'Untitled' : middle(title, 120)} command={commandOf(tab, place, shown)}>
        <OutLink url={query.data?.content?.url}>In Notion</OutLink>
        <PageLink to="/explain/$id" params={{ id: place.database }} search={{ tenant: place.tenant }}>
          Explain
        </PageLink>
      </PageHead>
      <Answer query={query}>
        {(answer) => (
          <>
            <AsOf answer={answer} />
            <EqualToNotion key={place.database} place={place} rev={answer.database.rev} />
          </>
        )}
      </Answer>
      <Tabs value={tab} onChange={(value) => void navigate({ search: { tab: value as Tab } })} keepMounted={false}>
        <TabList tabs={tabs} />
        <Tabs.Panel value="schema">
          <Answer query={query}>
            {({ content, parents, children }) =>
              content === null ? (
                <Empty>A tombstone has no schema.</Empty>
              ) : (
                <Schema place={place} content={content} above={parents} below={children} />
              )
            }
          </Answer>
        </Tabs.Panel>
        <Tabs.Panel value="rows">
          <NeedsContent>
            <RowsOf place={place} sources={sources} />
          </NeedsContent>
        </Tabs.Panel>
        <Tabs.Panel value="history">
          <NeedsContent>
            <History place={place} sources={sources} />
          </NeedsContent>
        </Tabs.Panel>
        <Tabs.Panel value="raw">
          <NeedsContent>
            <RawOfDatabase place={place} />
          </NeedsContent>
        </Tabs.Panel>
        <Tabs.Panel value="use">
          <Answer query={query}>
            {({ use }) => (
              <Fields
                of={[
                  ['The document', <Command text={use.mongosh} />],
                  ['Its rows', use.mongoshRows === null ? 'There are none.' : <Command text={use.mongoshRows} />],
                  ['In a terminal', <Command text={use.mirror} />],
                ]}
              />
            )}
          </Answer>
        </Tabs.Panel>
      </Tabs>
    </>
  );
}

function commandOf(tab: Tab, { tenant, database: id }: Place, source: string | undefined): string {
  const scope = ` --workspace-id ${shellWord(tenant)}`;
  if (tab === 'rows') return source === undefined ? 'mirror rows list <data source>' : `mirror rows list ${source}${scope}`;
  if (tab === 'history') return source === undefined ? 'mirror schema history <data source>' : `mirror schema history ${source}${scope}`;
  return `mirror explain ${id}${scope}`;
}

function AsOf({ answer: { database: line, lastEvent, content } }: { readonly answer: DatabaseAnswer }) {
  const { databaseId, rev, asOf, removed } = line;
  return (
    <Group gap="lg" mb="sm">
      <Id value={databaseId} label="the database's id" />
      <span>
        <span className="dim">As of</span> <Time at={asOf} />
      </span>
      <span>
        <span className="dim">Rev</span> {rev}
      </span>
      {lastEvent === null ? null : (
        <PageLink to="/events/$id" params={{ id: lastEvent.id }}>
          by {lastEvent.type}
        </PageLink>
      )}
      {content?.isLocked === true ? <span className="dim">locked in Notion</span> : null}
      {removed === null ? null : (
        <span className="warn">
          Removed ({removed.reason}) <Time at={removed.at} />
          {removed.eventId === null ? null : (
            <>
              {' '}
              <PageLink to="/events/$id" params={{ id: removed.eventId }}>
                by this event
              </PageLink>
            </>
          )}
          ; forgotten <Time at={removed.until} />
        </span>
      )}
    </Group>
  );
}

/** Without the right to see content there is nothing to ask for. */
function NeedsContent({ children }: { readonly children: ReactNode }) {
  const { data } = useQuery(me);
  if (data?.content === false) return <Empty>This is the customer&apos;s content, which is hidden from you.</Empty>;
  return <>{children}</>;
}
