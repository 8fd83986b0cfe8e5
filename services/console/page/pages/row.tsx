import { Group, Stack, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import type { RowAnswer } from '../../src/answers/rows.ts';
import { row } from '../api.ts';
import { CellValue } from '../parts/cell.tsx';
import { Id } from '../parts/copy.tsx';
import { Crumbs, DatabasesIn } from '../parts/crumbs.tsx';
import { Empty } from '../parts/failure.tsx';
import { Fields } from '../parts/fields.tsx';
import { OutLink, PageLink } from '../parts/link.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { Answer } from '../parts/panel.tsx';
import { Documents } from '../parts/raw.tsx';
import { middle, shellWord } from '../parts/text.ts';
import { Time } from '../parts/time.tsx';

/** One row, as readers get it. */
export function Row() {
  const { tenant, page } = useParams({ from: '/t/$tenant/r/$page' });
  const query = useQuery(row(tenant, page));
  const line = query.data?.row?.line;
  const title = line === undefined ? page : line.title === '' ? 'Untitled' : line.title;
  return (
    <>
      <Crumbs tenant={tenant} parents={query.data?.parents ?? []} title={title} />
      <PageHead title={middle(title, 120)} command={`mirror explain ${page} --workspace-id ${shellWord(tenant)}`}>
        {line === undefined ? null : <OutLink url={line.url}>In Notion</OutLink>}
        <PageLink to="/explain/$id" params={{ id: page }} search={{ tenant }}>
          Explain
        </PageLink>
      </PageHead>
      <Answer query={query}>{(answer) => <Body answer={answer} />}</Answer>
    </>
  );
}

function Body({ answer }: { readonly answer: RowAnswer }) {
  const { workspaceId: tenant, pageId, databaseId, rev, asOf, removed, row: shown } = answer;
  return (
    <Stack gap="lg">
      <Group gap="lg">
        <Id value={pageId} label="the row's id" />
        {databaseId === null ? null : (
          <PageLink to="/t/$tenant/d/$database" params={{ tenant, database: databaseId }} search={{ tab: 'rows' }}>
            Its table
          </PageLink>
        )}
        <span>
          <span className="dim">As of</span> <Time at={asOf} />
        </span>
        <span>
          <span className="dim">Rev</span> {rev}
        </span>
        {removed === null ? null : (
          <span className="warn">
            Removed ({removed.reason}) <Time at={removed.at} />
          </span>
        )}
        {shown?.line.isArchived === true ? <span className="warn">archived</span> : null}
      </Group>
      <Stack gap="xs" component="section">
        <Title order={2}>Properties</Title>
        {shown === null ? (
          <Empty>{removed === null ? 'The schema of its data source is unknown.' : 'A tombstone has none.'}</Empty>
        ) : (
          <Fields
            of={shown.columns.map(({ id, name, type }, index) => [
              name === '' ? id : name,
              <CellValue key={id} tenant={tenant} type={type} cell={shown.line.cells[index] ?? null} />,
            ])}
          />
        )}
      </Stack>
      <DatabasesIn tenant={tenant} below={answer.children} />
      <Documents raw={answer.raw} document={answer.document} name={pageId} />
    </Stack>
  );
}
