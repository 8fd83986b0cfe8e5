import { Stack, Title } from '@mantine/core';
import type { CallLimit } from '../../src/answers/status.ts';
import { DataTable, type Column } from './data-table.tsx';
import { figure } from './text.ts';

interface Line extends Pick<CallLimit, 'kind' | 'reason' | 'text'> {
  readonly inMinute: number;
  readonly inHour: number;
}

const kinds = { refused: 'refused by Notion', postponed: 'postponed' } as const;

const columns: readonly Column<Line>[] = [
  { id: 'kind', header: 'Calls', cell: ({ kind }) => kinds[kind] },
  {
    id: 'reason',
    header: 'Because',
    cell: ({ text, reason }) => (
      <>
        {text} <span className="mono dim">{reason}</span>
      </>
    ),
  },
  { id: 'minute', header: 'Last minute', isNumber: true, cell: ({ inMinute }) => figure(inMinute) },
  { id: 'hour', header: 'Hour before', isNumber: true, cell: ({ inHour }) => figure(inHour) },
];

const keyOf = ({ kind, reason }: Pick<CallLimit, 'kind' | 'reason'>) => `${kind} ${reason}`;

interface Props {
  readonly minute: readonly CallLimit[];
  readonly hour: readonly CallLimit[];
}

/** Why calls to Notion were refused (429, 529) or postponed; nothing if none was. */
export function CallLimits({ minute, hour }: Props) {
  const lines = [...Map.groupBy([...hour, ...minute], keyOf)].flatMap(([key, [first]]): Line[] => {
    const countOf = (limits: readonly CallLimit[]) => limits.find((limit) => keyOf(limit) === key)?.count ?? 0;
    return first === undefined ? [] : [{ ...first, inMinute: countOf(minute), inHour: countOf(hour) }];
  });
  if (lines.length === 0) return null;
  return (
    <Stack gap={4} mb="lg" component="section">
      <Title order={2}>Limits of calls to Notion</Title>
      <DataTable label="Limits of calls to Notion" columns={columns} rows={lines} keyOf={keyOf} />
    </Stack>
  );
}
