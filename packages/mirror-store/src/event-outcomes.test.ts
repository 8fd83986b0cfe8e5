import { expect, test } from 'vitest';
import { someOutcome } from '../test/outcomes.ts';
import { outcomeDocument, type EventOutcome } from './event-outcomes.ts';

const storedOf = (given: Partial<EventOutcome>) => outcomeDocument(someOutcome('e1', given), new Date());

test.each<[Partial<EventOutcome>]>([
  [{ outcome: 'dead_letter', reason: 'undecodable' }],
  [{ outcome: 'parked', reason: 'unauthorized' }],
  [{ outcome: 'missing' }],
  [{ service: 'ingress', outcome: 'ignored', reason: 'no_active_connection' }],
  [{ outcome: 'of a later version' }],
])('%j needs a look', (given) => {
  expect(storedOf(given).needsLook).toBe(true);
});

// A field of every document would be bytes for each event of every tenant.
test.each<[Partial<EventOutcome>]>([
  [{ outcome: 'written' }],
  [{ outcome: 'removed' }],
  [{ outcome: 'skipped' }],
  [{ outcome: 'deferred', reason: 'scan_wanted' }],
  [{ outcome: 'already_removed' }],
  [{ outcome: 'stale' }],
  [{ outcome: 'rechecking' }],
  [{ outcome: 'missing', pageId: 'p1' }],
  [{ service: 'ingress', outcome: 'ignored', reason: 'unsupported_event_type' }],
  [{ outcome: 'ignored', reason: 'database_not_found' }],
])('%j is routine, and has no field for it', (given) => {
  expect(storedOf(given)).not.toHaveProperty('needsLook');
});
