import type { EntityState, LiveState } from '@notion-mirror/domain/entity-state';
import { describe, expect, it } from 'vitest';
import { readStateRecord, toStateRecord } from './state-record.ts';

const live = { kind: 'live', workspaceId: 'a:b', id: 'd', rev: 3 } as LiveState<never>;
const codec = {
  encode: () => Buffer.from('avro'),
  decode: () => Promise.resolve({ kind: 'state' as const, state: live }),
};
const asRead = (state: EntityState<never>) => {
  const { key, value, headers } = toStateRecord(state, codec);
  return readStateRecord({ key: Buffer.from(key), value, headers }, codec);
};

describe('a record of the state log', () => {
  it('is keyed by tenant and entity, and says its revision', () => {
    expect(toStateRecord(live, codec)).toEqual({
      key: 'a:b:d',
      value: Buffer.from('avro'),
      headers: { 'content-type': 'application/avro', 'mirror-rev': '3' },
    });
  });

  it('names the trace of the write, if it is sampled', async () => {
    const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    expect(toStateRecord({ ...live, trace }, codec).headers).toMatchObject({ traceparent: trace });
    const removal = { at: new Date(2), reason: 'deleted', eventId: 'e' } as const;
    const place = { workspaceId: 'a:b', id: 'd', rev: 4, asOf: new Date(1), connectionId: null };
    const removed: EntityState<never> = { kind: 'removed', ...place, source: 'delete', removed: removal };
    expect(toStateRecord({ ...removed, trace }, codec).headers).toMatchObject({ traceparent: trace });
    // A rebuild from the log writes the record in no trace.
    expect(await asRead({ ...removed, trace })).toEqual({ kind: 'state', state: removed });
  });

  it.each<EntityState<never>>([
    {
      kind: 'removed',
      workspaceId: 'a:b',
      id: 'd',
      rev: 4,
      asOf: new Date(1),
      source: 'delete',
      connectionId: null,
      removed: { at: new Date(2), reason: 'deleted', eventId: 'e' },
    },
    {
      kind: 'removed',
      workspaceId: 'a:b',
      id: 'd',
      rev: 4,
      asOf: new Date(1),
      source: 'delete',
      connectionId: null,
      removed: { at: new Date(2), reason: 'deleted', eventId: 'e' },
      kept: { dataSourceId: 's', createdTime: new Date(60_000) },
    },
    { kind: 'erased', workspaceId: 'a:b', id: 'd', at: new Date(3) },
  ])('is null for a removed or erased record, and reads back: $kind', async (state) => {
    expect(toStateRecord(state, codec).value).toBeNull();
    expect(await asRead(state)).toEqual({ kind: 'state', state });
  });

  it('is distinguished from a null that another program wrote', async () => {
    const key = Buffer.from('a:d');
    expect(await readStateRecord({ key, value: null, headers: {} }, codec)).toEqual({ kind: 'foreign' });
    expect(await readStateRecord({ key, value: null, headers: { 'mirror-removed': '{"at":' } }, codec)).toMatchObject({
      kind: 'poison',
      code: 'invalid_state',
    });
    const removed = { value: null, headers: { 'mirror-removed': '{"at":"2026-01-01T00:00:00Z"}' } };
    for (const no of [Buffer.from('nothing'), null]) {
      expect(await readStateRecord({ key: no, ...removed }, codec)).toMatchObject({ kind: 'poison', code: 'invalid_key' });
    }
  });
});
