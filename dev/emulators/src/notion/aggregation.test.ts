import { expect, test } from 'vitest';
import { aggregate } from './aggregation.ts';
import type { EventData, Occurrence } from './announcer.ts';

function happened(type: string, at: number, data: EventData = {}, author = 'person'): Occurrence {
  return {
    type: `data_source.${type}`,
    entity: { id: 'source', type: 'data_source' },
    databaseId: 'database',
    workspaceId: 'workspace',
    at,
    authors: [{ id: author, type: 'person' }],
    parent: { id: `parent at ${at}`, type: 'page' },
    seenBy: new Map(),
    ...data,
  };
}

const schema = { updatedProperties: [] };

test.each([
  ['a single event is unchanged', ['moved'], ['moved 0']],
  ['created and deleted', ['created', 'schema_updated', 'deleted'], []],
  ['deleted and restored', ['deleted', 'undeleted'], []],
  ['restored and deleted', ['undeleted', 'deleted'], []],
  ['deleted after other changes', ['schema_updated', 'moved', 'deleted'], ['deleted 2']],
  ['deleted in the end', ['deleted', 'undeleted', 'deleted'], ['deleted 2']],
  ['created, with later changes', ['created', 'schema_updated', 'moved'], ['created 2']],
  ['created, then trashed and restored', ['created', 'deleted', 'undeleted'], ['created 2']],
  ['came back, changed', ['undeleted', 'schema_updated'], ['undeleted 1']],
  ['changes survive a trip to the trash', ['schema_updated', 'deleted', 'undeleted', 'moved'], ['schema_updated 0', 'moved 3']],
  ['only the last of each type', ['moved', 'schema_updated', 'moved'], ['moved 2', 'schema_updated 1']],
])('%s', (_, types, expected) => {
  expect(aggregated(types, false)).toEqual(expected);
});

test('created and deleted, but still listed: deleted', () => {
  expect(aggregated(['created', 'schema_updated', 'deleted'], true)).toEqual(['deleted 2']);
});

function aggregated(types: readonly string[], leavesTrace: boolean): string[] {
  const occurrences = types.map((type, at) => happened(type, at, type === 'schema_updated' ? schema : {}));
  return aggregate(occurrences, { leavesTrace }).map(({ type, at }) => `${type.slice('data_source.'.length)} ${at}`);
}

test('merged events name all changes and all authors', () => {
  const [merged, ...others] = aggregate([
    happened('schema_updated', 1, { updatedProperties: [{ id: 'a', name: 'A', action: 'created' }] }, 'ann'),
    happened('schema_updated', 2, { updatedProperties: [{ id: 'b', name: 'B', action: 'deleted' }] }, 'bob'),
    happened('schema_updated', 3, { updatedProperties: [{ id: 'a', name: 'A2', action: 'updated' }] }, 'ann'),
  ]);
  expect(others).toEqual([]);
  expect(merged?.at).toBe(3);
  expect(merged?.authors.map(({ id }) => id)).toEqual(['ann', 'bob']);
  expect(merged?.updatedProperties).toEqual([
    { id: 'a', name: 'A2', action: 'updated' },
    { id: 'b', name: 'B', action: 'deleted' },
  ]);
});

test('a creation is announced with the final parent', () => {
  const [created] = aggregate([happened('created', 1), happened('moved', 2)]);
  expect(created?.parent.id).toBe('parent at 2');
});
