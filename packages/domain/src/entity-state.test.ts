import { describe, expect, it } from 'vitest';
import { decideRestore, restoredRev, type EntityState, type RestorableRecord } from './entity-state.ts';

const tolerance = 10_000;
const at = (seconds: number) => new Date(1_700_000_000_000 + seconds * 1000);
const place = { partition: 3, offset: 100 };
const removed = (asOf: number, rev: number): EntityState<never> => ({
  kind: 'removed',
  workspaceId: 'acme',
  id: 'd',
  rev,
  asOf: at(asOf),
  source: 'delete',
  connectionId: null,
  removed: { at: at(asOf), reason: 'deleted', eventId: null },
});
const record = (asOf: number, rev: number, change: Partial<RestorableRecord> = {}): RestorableRecord => ({
  rev,
  asOf: at(asOf),
  live: true,
  syncedAt: at(asOf),
  restoredFrom: null,
  ...change,
});

describe('a state on the state log', () => {
  it.each<[string, RestorableRecord | null, EntityState<never>, 'write' | 'erase' | 'keep']>([
    ['without a record', null, removed(0, 1), 'write'],
    ['newer than the record', record(0, 1), removed(100, 2), 'write'],
    ['newer, with a lower rev from before the record was recreated', record(0, 9), removed(100, 1), 'write'],
    ['equal to the record', record(0, 1), removed(0, 1), 'keep'],
    ['older than the record', record(100, 2), removed(0, 1), 'keep'],
    ['older by rev, and newer only by a clock', record(0, 2), removed(5, 1), 'keep'],
    ['after the one already restored', record(0, 2, { restoredFrom: { partition: 3, offset: 99 } }), removed(-5, 1), 'write'],
    ['already restored', record(0, 2, { restoredFrom: place }), removed(0, 2), 'keep'],
    ['before the one already restored', record(0, 2, { restoredFrom: { partition: 3, offset: 101 } }), removed(0, 1), 'keep'],
  ])('%s', (_, found, state, decision) => {
    expect(decideRestore(found, state, place, tolerance)).toBe(decision);
  });

  it('that reports an erased record erases an earlier record, but not a later one', () => {
    const erased: EntityState<never> = { kind: 'erased', workspaceId: 'acme', id: 'd', at: at(50) };
    expect(decideRestore(record(0, 1), erased, place, tolerance)).toBe('erase');
    expect(decideRestore(record(60, 1), erased, place, tolerance)).toBe('keep');
    expect(decideRestore(record(0, 1, { live: false, syncedAt: null }), erased, place, tolerance)).toBe('keep');
    expect(decideRestore(null, erased, place, tolerance)).toBe('keep');
  });
});

it('is restored with its own revision, raised above that of an existing record', () => {
  expect(restoredRev(null, { rev: 7 })).toBe(7);
  expect(restoredRev({ rev: 2 }, { rev: 7 })).toBe(7);
  expect(restoredRev({ rev: 9 }, { rev: 7 })).toBe(10);
});
