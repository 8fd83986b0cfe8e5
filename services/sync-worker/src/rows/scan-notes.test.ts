import { expect, test } from 'vitest';
import { createScanNotes } from './scan-notes.ts';

test('a row that is settled after all is no longer one that could not be read or written', async () => {
  const counts = { calls: 0, returned: 0, written: 0, readSingly: 0 };
  const notes = await createScanNotes(
    counts,
    () => Promise.resolve(false),
    () => Promise.resolve(),
    null,
  );
  await notes.foundUnreadable('a');
  await notes.foundUnreadable('b');
  notes.failedFor('b', 'too large');
  notes.failedFor('c', 'too large');
  notes.settled('a');
  notes.settled('c');
  expect(notes.stored()).toEqual({ unreadable: ['b'], failed: [{ pageId: 'b', because: 'too large' }], unlisted: [] });
});
