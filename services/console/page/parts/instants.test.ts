import { expect, test } from 'vitest';
import { splitInstants } from './instants.ts';

test('a sentence is split at its instants', () => {
  expect(splitInstants('Held until 2026-11-30T22:33:04.011Z; 1 event waits since 2026-11-30T22:30:00Z.')).toEqual([
    'Held until ',
    '2026-11-30T22:33:04.011Z',
    '; 1 event waits since ',
    '2026-11-30T22:30:00Z',
    '.',
  ]);
  expect(splitInstants('No change waits on 2026-11-30.')).toEqual(['No change waits on 2026-11-30.']);
});
