import { Badge } from '@mantine/core';
import type { Contents } from '../../src/answers/rows.ts';
import { figure } from './text.ts';

const words: Record<Contents['state'], string> = { complete: 'complete', scanning: 'scanning', incomplete: 'incomplete', off: 'rows off' };
const colours: Record<Contents['state'], string> = { complete: 'green', scanning: 'blue', incomplete: 'orange', off: 'gray' };

/** Whether the mirror has all rows of a table. */
export function Completeness({ contents: { state, rows, reason } }: { readonly contents: Contents }) {
  return (
    <Badge leftSection={<span className="swatch" style={{ background: colours[state] }} />} title={reason ?? undefined}>
      {words[state]}
      {rows === null ? '' : `, ${figure(rows.live)} rows`}
    </Badge>
  );
}
