import { expect, test } from 'vitest';
import { removedEntities } from './entities.ts';

// An answer of a query counts as of 20, and was written at 80: it may hold something newer than the delete of 50.
test.each([
  ['row', 'recheck'],
  ['database', 'erase'],
])('a %s of an older fetch that was written after the delete: %s', (name, expected) => {
  const entity = removedEntities.find(({ storage }) => storage.kind.name === name);
  const times = { rev: 1, asOf: 20, syncedAt: 80, source: 'fetch', live: true } as const;
  const outline = { connectionId: 'a', removed: null };
  expect(entity?.decide({ ...times, ...outline }, { occurredAt: 50, receivedAt: 60, isElsewhere: false }, 10)).toBe(expected);
});
