import type { Connection } from '@notion-mirror/domain/connection';
import { expect, test } from 'vitest';
import type { ReadRowSingly, RowReadEnd } from './read-row-singly.ts';
import { createScanNotes } from './scan-notes.ts';
import { createSingleReads } from './scan-single-reads.ts';

const connection = { connectionId: 'c1', workspaceId: 'acme' } as Connection;
const event = { occurredAt: 1, receivedAt: 1 };
const failure = (failureClass: 'rate_limited' | 'server') => ({ class: failureClass, code: 'x', message: 'busy' }) as const;

/** The ends of the attempts at each row, in order; the last one repeats. */
async function read(ends: Readonly<Record<string, readonly RowReadEnd[]>>, signal = new AbortController().signal) {
  const attempts: string[] = [];
  const slept: number[] = [];
  const counts = { calls: 0, returned: 0, written: 0, readSingly: 0 };
  const notes = await createScanNotes(
    counts,
    async () => false,
    async () => {},
    null,
  );
  const made = new Map<string, number>();
  let atOnce = 0;
  let most = 0;
  const readRowSingly: ReadRowSingly = async ({ pageId, attempt }) => {
    attempts.push(`${pageId}:${attempt}`);
    atOnce += 1;
    most = Math.max(most, atOnce);
    await new Promise((resolve) => setImmediate(resolve));
    atOnce -= 1;
    const given = ends[pageId] ?? [];
    const number = made.get(pageId) ?? 0;
    made.set(pageId, number + 1);
    return given[Math.min(number, given.length - 1)] ?? { kind: 'settled' };
  };
  const clock = {
    now: () => 1_000,
    async sleep(ms: number) {
      slept.push(ms);
    },
  };
  const readAll = createSingleReads({ readRowSingly, clock }, { dataSourceId: 's1', scanId: 'scan-1', notes }, signal);
  const ended = await readAll(
    connection,
    Object.keys(ends).map((id) => ({ id, event })),
    'keep',
  ).then(
    () => 'read',
    (error: unknown) => (error instanceof Error ? error.message : ''),
  );
  return { ended, attempts, slept, notes, counts, most };
}

test('rows are read a few at a time, and what cannot be read or stored is noted', async () => {
  const ends = {
    p1: [{ kind: 'settled' }],
    p2: [{ kind: 'unwritable', message: 'too large' }],
    p3: [{ kind: 'failed', failure: { class: 'restricted', code: 'x', message: 'refused' } }],
    p4: [{ kind: 'kept' }],
    p5: [{ kind: 'skipped' }],
    p6: [{ kind: 'settled' }],
  } satisfies Record<string, readonly RowReadEnd[]>;
  const { ended, notes, counts, most } = await read(ends);
  expect([ended, most, counts.readSingly]).toEqual(['read', 4, 3]);
  expect(notes.stored()).toEqual({
    unreadable: ['p4'],
    failed: [
      { pageId: 'p2', because: 'too large' },
      { pageId: 'p3', because: 'refused' },
    ],
    unlisted: [],
  });
});

test('a wait for the budget is no failed attempt, however often', async () => {
  const wait: RowReadEnd = { kind: 'retry', at: 1_500, scope: 'request', failure: failure('rate_limited') };
  const { ended, attempts, slept } = await read({ p1: [...Array.from({ length: 9 }, () => wait), { kind: 'settled' }] });
  expect([ended, attempts.at(-1), slept]).toEqual(['read', 'p1:1', Array.from({ length: 9 }, () => 500)]);
});

test('a row that Notion fails to return six times ends the scan, which is retried later', async () => {
  const { ended, attempts } = await read({ p1: [{ kind: 'retry', at: 1_500, scope: 'request', failure: failure('server') }] });
  expect(ended).toBe('a row cannot be read: busy');
  expect(attempts).toEqual([1, 2, 3, 4, 5, 6].map((attempt) => `p1:${attempt}`));
});

test('without an active connection, or when it is aborted, nothing more is read', async () => {
  expect((await read({ p1: [{ kind: 'no_active_connection', statuses: [] }] })).ended).toBe('no connection of the tenant is active');
  const aborted = new AbortController();
  aborted.abort(new Error('stopped'));
  expect(await read({ p1: [] }, aborted.signal)).toMatchObject({ ended: 'stopped', attempts: [] });
});
