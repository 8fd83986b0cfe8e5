import { expect, test } from 'vitest';
import { applyQueried, type QuerySteps } from './apply-query.ts';
import type { RowRecordState } from './query-rule.ts';

interface Stored extends RowRecordState {
  readonly content: string;
}

interface Row {
  readonly id: string;
  readonly isInTrash: boolean;
  readonly content: string;
}

type Written = { readonly kind: 'written' } | { readonly kind: 'conflict' };

const stored = (content: string, rev = 1): Stored => ({ rev, asOf: 0, syncedAt: 0, source: 'fetch', live: true, content });
const row = (id: string, content: string, isInTrash = false): Row => ({ id, content, isInTrash });
/** Counts as of 1000. */
const answer = { startedAt: 1060, lagMs: 60, toleranceMs: 10, absent: [] };

function stepsOver(records: Readonly<Record<string, Stored>>, lines: string[]): QuerySteps<Stored, Row, Written> {
  return {
    awaited: (id) =>
      id.startsWith('early') ? { occurredAt: 500, receivedAt: 500 } : id.startsWith('late') ? { occurredAt: 1000, receivedAt: 1005 } : null,
    read: async (ids) => {
      lines.push(`read ${ids.join(' ')}`);
      return new Map(ids.flatMap((id) => (records[id] === undefined ? [] : [[id, records[id]]])));
    },
    isSame: (record, { content }) => record.content === content,
    write: async (writes) => {
      lines.push(`write ${writes.map((one) => `${one.row.id}=${one.row.content} of ${one.asOf} over rev ${one.record?.rev}`).join(', ')}`);
      return writes.map((one) => (one.row.content === 'conflict' ? { kind: 'conflict' as const } : { kind: 'written' as const }));
    },
    readSingly: async (reads) => {
      lines.push(`read singly ${reads.map(({ id, event }) => `${id} for ${event.receivedAt}`).join(', ')}`);
    },
  };
}

test('records are read and written together, and what is left in doubt is read singly, a conflict too', async () => {
  const lines: string[] = [];
  const records = {
    equal: stored('a'),
    edited: stored('a', 7),
    early: stored('a'),
    trashed: stored('a'),
    'early trashed': stored('a'),
    gone: stored('a'),
    raced: stored('a', 2),
  };
  const rows = [
    row('equal', 'a'),
    row('edited', 'b'),
    row('raced', 'conflict'),
    row('early', 'a'),
    row('late', 'a'),
    row('trashed', 'a', true),
    row('early trashed', 'a', true),
  ];
  const outcomes = await applyQueried(stepsOver(records, lines), { ...answer, rows, absent: ['gone', 'late absent'] });
  expect(lines).toEqual([
    'read equal edited raced early late trashed early trashed gone late absent',
    'write edited=b of 1000 over rev 7, raced=conflict of 1000 over rev 2, early=a of 1000 over rev 1, late=a of 1000 over rev undefined',
    // Not for its event alone, of 500: a record that was fetched between that and the query would make it a read of nothing.
    'read singly raced for 1000, trashed for 1000, early trashed for 1000, gone for 1000, late absent for 1005',
  ]);
  expect(outcomes.map(({ id, decision, written, isSettled }) => [id, decision, written?.kind, isSettled])).toEqual([
    ['equal', 'keep', undefined, false],
    ['edited', 'write', 'written', false],
    ['raced', 'read_singly', undefined, false],
    ['early', 'raise', 'written', true],
    ['late', 'write', 'written', false],
    ['trashed', 'read_singly', undefined, false],
    ['early trashed', 'read_singly', undefined, true],
    ['gone', 'read_singly', undefined, false],
    ['late absent', 'read_singly', undefined, true],
  ]);
});

test('an answer that changes nothing writes and reads nothing more', async () => {
  const lines: string[] = [];
  await applyQueried(stepsOver({ equal: stored('a') }, lines), { ...answer, rows: [row('equal', 'a')] });
  expect(lines).toEqual(['read equal']);
});
