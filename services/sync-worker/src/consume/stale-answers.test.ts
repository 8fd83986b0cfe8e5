import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import { expect, test } from 'vitest';
import { createStaleAnswers } from './stale-answers.ts';

const minute = Date.parse('2026-01-01T10:05:00Z');
const at = (seconds: number) => new Date(minute + seconds * 1_000);

function event(given: Partial<DatabaseEvent> = {}): DatabaseEvent {
  return {
    eventId: 'e1',
    kind: 'row_sync',
    type: 'page.created',
    workspaceId: 'acme',
    connectionId: 'c1',
    providerConfigKey: 'notion',
    notionWorkspaceId: 'n1',
    databaseId: null,
    dataSourceId: null,
    pageId: 'p1',
    occurredAt: at(30),
    receivedAt: at(31),
    origin: 'nango',
    ...given,
  };
}

const answers = () => createStaleAnswers(new Set(['page.created']), () => 1_000);

test('an answer from before the minute of the event is asked for again in five seconds', () => {
  expect(answers().readAgain(event(), 'p1', [at(-1), at(-60)])).toMatchObject({ kind: 'retry', at: 6_000, failure: { class: 'stale' } });
  expect(answers().readAgain(event(), 'p1', [])).toMatchObject({ kind: 'retry' });
});

test.each<[string, Partial<DatabaseEvent>, (Date | null)[]]>([
  ['edited in the minute of the event', {}, [at(-60), at(0)]],
  ['of an unknown time', {}, [null]],
  ['to an event that moves no time', { type: 'page.locked' }, [at(-60)]],
])('an answer %s counts', (_, given, edits) => {
  expect(answers().readAgain(event(given), 'p1', edits)).toBeNull();
});

// With a wait for each event, a busy row whose edits do not move its time would never be written.
test('an entity waits once for each minute', () => {
  const { readAgain } = answers();
  expect(readAgain(event(), 'p1', [])).not.toBeNull();
  expect(readAgain(event({ eventId: 'e2', occurredAt: at(59) }), 'p1', [])).toBeNull();
  expect(readAgain(event({ occurredAt: at(-1) }), 'p1', [])).toBeNull();
  expect(readAgain(event(), 'p2', [])).not.toBeNull();
  expect(readAgain(event({ workspaceId: 'globex' }), 'p1', [])).not.toBeNull();
  expect(readAgain(event({ occurredAt: at(60) }), 'p1', [])).not.toBeNull();
});

test('the number of remembered waits is bounded: the oldest is forgotten', () => {
  const { readAgain } = answers();
  for (let n = 0; n <= 10_000; n += 1) readAgain(event(), `p${n}`, []);
  expect(readAgain(event(), 'p1', [])).toBeNull();
  expect(readAgain(event(), 'p0', [])).not.toBeNull();
});
