import { Button, Code, List, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Check, ConfigAnswer, DoctorAnswer } from '../../src/answers/doctor.ts';
import { config, doctor } from '../api.ts';
import { DataTable, type Column } from '../parts/data-table.tsx';
import { Failure } from '../parts/failure.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { Panel, Waiting } from '../parts/panel.tsx';
import { count } from '../parts/text.ts';

const marks = { ok: '✓ ok', warning: '! warning', problem: '✗ problem' } as const;
const colours = { ok: 'good', warning: 'warn', problem: 'bad' } as const;

const columns: readonly Column<Check>[] = [
  { id: 'status', header: 'Result', cell: ({ status }) => <span className={colours[status]}>{marks[status]}</span> },
  { id: 'detail', header: 'Check', cell: ({ detail }) => <span className="any">{detail}</span> },
  { id: 'remedy', header: 'What to do', cell: ({ remedy }) => (remedy === null ? null : <span className="any">{remedy}</span>) },
];

const settingColumns: readonly Column<ConfigAnswer['settings'][number]>[] = [
  { id: 'variable', header: 'Variable', cell: ({ variable }) => <Code>{variable}</Code> },
  { id: 'shown', header: 'Value', cell: ({ shown }) => <span className="any">{shown}</span> },
  { id: 'origin', header: 'From', cell: ({ origin }) => origin },
];

/** Is the set-up right? */
export function Doctor() {
  const { data = null, error, refetch, isFetching } = useQuery(doctor);
  const settings = useQuery(config);
  return (
    <>
      <PageHead title="Doctor" command="mirror doctor">
        <Button variant="default" size="compact-md" onClick={() => void refetch()} loading={isFetching}>
          Run again
        </Button>
      </PageHead>
      <div role="status">{data === null ? isFetching ? <Waiting /> : null : <Summary answer={data} isDone={!isFetching} />}</div>
      {error === null ? null : <Failure error={error} onRetry={() => void refetch()} />}
      {data === null ? null : <Checks checks={data.checks} />}
      <Panel title="Settings of the console" query={settings}>
        {(answer) => (
          <Stack gap="sm">
            {answer.problems.length + answer.advice.length + answer.unknown.length === 0 ? null : (
              <List size="sm">
                {answer.problems.map(({ variable, problem, expected }) => (
                  <List.Item key={variable}>
                    <Code>{variable}</Code> {problem}; expected: {expected}
                  </List.Item>
                ))}
                {answer.unknown.map((name) => (
                  <List.Item key={name}>
                    <Code>{name}</Code> is not a variable of the mirror
                  </List.Item>
                ))}
                {answer.advice.map(({ text, remedy }) => (
                  <List.Item key={text}>
                    {text}: {remedy}
                  </List.Item>
                ))}
              </List>
            )}
            <DataTable label="Settings" columns={settingColumns} rows={answer.settings} keyOf={({ variable }) => variable} />
          </Stack>
        )}
      </Panel>
    </>
  );
}

function Summary({ answer: { problems, warnings, checks }, isDone }: { readonly answer: DoctorAnswer; readonly isDone: boolean }) {
  const wrong = (['problem', 'warning'] as const).flatMap((status) => checks.filter((check) => check.status === status));
  const text = `${count(problems, 'problem')}, ${count(warnings, 'warning')} in ${count(checks.length, 'check')}`;
  return (
    <>
      <p className={`sentence ${problems > 0 ? 'bad' : warnings > 0 ? 'warn' : 'good'}`}>
        {text}
        {isDone ? '' : ', more to come…'}
      </p>
      {wrong.length === 0 ? null : (
        <List size="sm" mt="xs" aria-label="What is not right">
          {wrong.map(({ id, area, status, detail, remedy }) => (
            <List.Item key={`${area} ${id} ${detail}`}>
              <span className={colours[status]}>{status}</span>: {nameOf(area)}: {detail}
              {remedy === null ? '' : `: ${remedy}`}
            </List.Item>
          ))}
        </List>
      )}
    </>
  );
}

function nameOf(area: string): string {
  return area === 'mongodb' ? 'MongoDB' : area.slice(0, 1).toUpperCase() + area.slice(1);
}

function Checks({ checks }: { readonly checks: readonly Check[] }) {
  const areas = Map.groupBy(checks, ({ area }) => area);
  if (checks.length === 0) return <Text>No check was run.</Text>;
  return (
    <Stack gap="md" mt="md" mb="lg" className="checks">
      {[...areas].map(([area, own]) => (
        <Stack key={area} gap={4} component="section">
          <Title order={2}>{nameOf(area)}</Title>
          <DataTable label={`Checks: ${area}`} columns={columns} rows={own} keyOf={({ id, detail }) => `${id} ${detail}`} />
        </Stack>
      ))}
    </Stack>
  );
}
