import { Alert, List, Stack } from '@mantine/core';
import type { Sweep } from '../../src/answers/sweeps.ts';
import { Fields } from './fields.tsx';
import { SweepActs } from './sweep-acts.tsx';
import { count, figure } from './text.ts';
import { durationText } from './time-text.ts';
import { Time } from './time.tsx';

/** Events by reason: `3 missing, 1 stale`. */
export function reasonsText(events: Readonly<Record<string, number>>): string {
  const some = Object.entries(events).filter(([, n]) => n > 0);
  return some.length === 0 ? 'none' : some.map(([reason, n]) => `${figure(n)} ${reason}`).join(', ');
}

/** The comparison of one tenant with Notion. */
export function SweepFacts({ sweep }: { readonly sweep: Sweep }) {
  const { state, completedAt, dueAt, failures, failure, last } = sweep;
  return (
    <Stack>
      {last?.stopped === true ? (
        <Alert color="red" variant="outline" title={`Stopped before removing ${count(last.removals, 'database')}`}>
          Notion no longer shows them, which is more than a comparison may remove by itself. Check that the connection still sees what it
          should.
        </Alert>
      ) : null}
      <SweepActs sweep={sweep} />
      {failure === null ? null : (
        <Alert color="red" variant="outline" title={`Failed ${count(failures, 'time')}`}>
          <span className="any">{failure}</span>
        </Alert>
      )}
      <Fields
        of={[
          ['State', state],
          ['Last complete', <Time at={completedAt} />],
          ['Next due', <Time at={dueAt} />],
          ...(last === null
            ? []
            : ([
                [
                  'Last one',
                  <>
                    <Time at={last.startedAt} />, took {durationText(Date.parse(last.endedAt) - Date.parse(last.startedAt))}
                  </>,
                ],
                ['Depth', last.depth],
                ['Mirrored, found', `${figure(last.held)}, ${figure(last.found)}`],
                ['Differences', reasonsText(last.events)],
                ['Gone in Notion', figure(last.removals)],
              ] as const)),
        ]}
      />
      {last?.incomplete === undefined ? null : (
        <Alert color="yellow" variant="outline" title="Not everything could be compared">
          <List size="sm">
            {last.incomplete.searches.map(({ connectionId, because }) => (
              <List.Item key={connectionId}>
                The search of <span className="id">{connectionId}</span>: {because}
              </List.Item>
            ))}
            {last.incomplete.databases.map(({ databaseId, because }) => (
              <List.Item key={databaseId}>
                <span className="id">{databaseId}</span>: {because}
              </List.Item>
            ))}
          </List>
        </Alert>
      )}
    </Stack>
  );
}
