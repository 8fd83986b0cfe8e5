import { Alert, Button, Checkbox, Group, NativeSelect, Stack, Text, TextInput } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { DataSource } from '../../src/answers/databases.ts';
import type { Column as RowColumn, Contents, RowLine } from '../../src/answers/rows.ts';
import { rows, type Place } from '../api.ts';
import { CellValue } from './cell.tsx';
import { Completeness } from './completeness.tsx';
import { DataTable, type Column } from './data-table.tsx';
import { Empty } from './failure.tsx';
import { PageLink } from './link.tsx';
import { More } from './more.tsx';
import { Answer } from './panel.tsx';
import { figure, middle } from './text.ts';
import { Time } from './time.tsx';
import { useAll } from './use-all.ts';

const from = '/t/$tenant/d/$database';

/** The rows of one data source as a table, in Notion's order of columns. */
export function RowsOf({ place, sources }: { readonly place: Place; readonly sources: readonly DataSource[] }) {
  const { source, where, hidden } = useSearch({ from });
  const navigate = useNavigate({ from });
  const list = useInfiniteQuery(rows(place, { source, where: where?.split('\n') }));
  const all = useAll(list.data, ({ rows: some }) => some);
  const first = list.data?.pages[0];
  const left = useMemo(() => hidden?.split(',') ?? [], [hidden]);
  const change = (fields: { readonly source?: string; readonly where?: string; readonly hidden?: string }) =>
    void navigate({ search: (known) => ({ ...known, ...fields }), replace: true });
  return (
    <Stack gap="sm">
      <Group align="flex-end" gap="sm">
        {sources.length < 2 ? null : (
          <NativeSelect
            label="Data source"
            data={sources.map(({ dataSourceId, name }) => ({ value: dataSourceId, label: name ?? dataSourceId }))}
            value={source ?? first?.dataSourceId ?? ''}
            onChange={(event) => change({ source: event.currentTarget.value, hidden: '', where: '' })}
          />
        )}
        <form
          key={where}
          onSubmit={(submitted) => {
            submitted.preventDefault();
            const condition = new FormData(submitted.currentTarget).get('where');
            change({ where: typeof condition === 'string' ? condition : '' });
          }}
        >
          <Group align="flex-end" gap="xs">
            <TextInput name="where" label="Where" placeholder="Status=Done" defaultValue={where ?? ''} w="16rem" />
            <Button type="submit" variant="default">
              Filter
            </Button>
          </Group>
        </form>
        {first === undefined ? null : (
          <Columns columns={first.columns} hidden={left} onChange={(ids) => change({ hidden: ids.join(',') })} />
        )}
      </Group>
      <Answer query={list}>
        {() =>
          first === undefined ? null : (
            <>
              {first.contents === null ? null : <About contents={first.contents} />}
              {all.length > 0 ? (
                <Table tenant={place.tenant} columns={first.columns} lines={all} hidden={left} />
              ) : where === undefined ? (
                <Empty command={`mirror rows status ${first.dataSourceId}`}>
                  No row is mirrored. Whether there are any in Notion, its scan says:
                </Empty>
              ) : (
                <Empty>No row fits “{where}”.</Empty>
              )}
              <More list={list} />
            </>
          )
        }
      </Answer>
    </Stack>
  );
}

/** Is this table complete, and as of when? */
function About({ contents }: { readonly contents: Contents }) {
  const { state, completeAsOf, reason, scan, truncated, rows: counted } = contents;
  return (
    <>
      <Group gap="sm">
        <Completeness contents={contents} />
        <Text size="sm" c="dimmed">
          {completeAsOf === null ? (
            'never complete'
          ) : (
            <>
              nothing is missing as of <Time at={completeAsOf} />
            </>
          )}
          {counted === null ? '' : `; ${figure(counted.archived)} archived`}
          {scan === null ? '' : `; a scan runs, ${figure(scan.rows)} rows so far`}
        </Text>
      </Group>
      {state !== 'incomplete' && truncated.length === 0 ? null : (
        <Alert color="yellow" variant="outline" title="Rows may be missing">
          {reason ?? 'Notion does not return all rows that were created in one minute.'}
        </Alert>
      )}
    </>
  );
}

interface TableProps {
  readonly tenant: string;
  readonly columns: readonly RowColumn[];
  readonly lines: readonly RowLine[];
  readonly hidden: readonly string[];
}

function Table({ tenant, columns, lines, hidden }: TableProps) {
  const defined = useMemo((): readonly Column<RowLine>[] => {
    const name: Column<RowLine> = {
      id: ' row',
      header: middle(columns.find(({ type }) => type === 'title')?.name ?? 'Row', 40),
      cell: ({ pageId, title, isArchived }) => (
        <>
          <PageLink to="/t/$tenant/r/$page" params={{ tenant, page: pageId }} title={title}>
            {title === '' ? 'Untitled' : middle(title, 60)}
          </PageLink>
          {isArchived ? <span className="dim"> archived</span> : null}
        </>
      ),
    };
    const others = columns.flatMap(({ id, name: header, type }, index): Column<RowLine>[] =>
      type === 'title'
        ? []
        : [
            {
              id,
              header: <span title={`${type}, ${id}`}>{middle(header, 40)}</span>,
              isNumber: type === 'number',
              cell: ({ cells }) => <CellValue tenant={tenant} type={type} cell={cells[index] ?? null} />,
            },
          ],
    );
    return [name, ...others];
  }, [tenant, columns]);
  return <DataTable label="Rows" columns={defined} rows={lines} keyOf={({ pageId }) => pageId} hidden={hidden} />;
}

interface ColumnsProps {
  readonly columns: readonly RowColumn[];
  readonly hidden: readonly string[];
  readonly onChange: (hidden: readonly string[]) => void;
}

/** Which columns are shown; the choice is in the address. */
function Columns({ columns, hidden, onChange }: ColumnsProps) {
  return (
    <details>
      <summary>Columns{hidden.length === 0 ? '' : ` (${hidden.length} hidden)`}</summary>
      <Group gap="sm" mt="xs">
        {columns.map(({ id, name, type }) =>
          type === 'title' ? null : (
            <Checkbox
              key={id}
              size="xs"
              label={middle(name, 40)}
              checked={!hidden.includes(id)}
              onChange={(event) => onChange(event.currentTarget.checked ? hidden.filter((each) => each !== id) : [...hidden, id])}
            />
          ),
        )}
      </Group>
    </details>
  );
}
