import type { JsonObject } from '@notion-mirror/domain/database-content';
import { describe, expect, test } from 'vitest';
import { container, dataSource, otherSourceId, sourceId } from '../test/notion-samples.ts';
import type { CallProblem } from './connection-calls.ts';
import { parseDatabase, parseDataSource, type ParsedDatabase, type ParsedDataSource } from './database-document.ts';
import { hiddenBy, readDatabase, type DatabaseReads } from './read-database.ts';
import { sightOf, type Sight } from './sight.ts';

const never = new AbortController().signal;
const gone: CallProblem = { kind: 'gone', failure: { class: 'gone', code: 'object_not_found', message: 'not found' } };
const refused = (failureClass: 'restricted' | 'invalid' | 'unexpected', code: string): CallProblem => ({
  kind: 'failed',
  failure: { class: failureClass, code, message: code },
});
const later: CallProblem = { kind: 'retry', at: 1, scope: 'request', failure: { class: 'server', code: 'bad_gateway', message: '502' } };

const ok = (body: unknown) => ({ kind: 'ok', body: body as JsonObject, text: JSON.stringify(body) }) as const;
const listing = (...ids: string[]): Sight<ParsedDatabase> =>
  sightOf(ok(container({ data_sources: ids.map((id) => ({ id, name: id })) })), parseDatabase);
const source = (id: string): Sight<ParsedDataSource> => sightOf(ok(dataSource({ id })), parseDataSource);

/** `containers`: one by one, the last for ever. */
function setUp(containers: Sight<ParsedDatabase>[], sources: Record<string, Sight<ParsedDataSource>> = {}) {
  const calls: string[] = [];
  const left = [...containers];
  const reads: DatabaseReads = {
    async container() {
      calls.push('container');
      return (left.length > 1 ? left.shift() : left[0])!;
    },
    async source(id) {
      calls.push(id);
      return sources[id] ?? source(id);
    },
  };
  const read = async (expected: string[] = []) => {
    const sight = await readDatabase(reads, expected, never);
    if (sight.kind !== 'seen' || sight.value.trashed) return sight;
    return sight.value.content.dataSources.map(
      (found) => `${found.id === sourceId ? 'one' : 'other'}${'accessible' in found ? ' hidden' : ''}`,
    );
  };
  return { calls, read };
}

describe('reading a database', () => {
  test('reads each source that the container lists', async () => {
    const { calls, read } = setUp([listing(sourceId, otherSourceId)]);
    expect(await read()).toEqual(['one', 'other']);
    expect(calls).toEqual(['container', sourceId, otherSourceId]);
  });

  test('reads expected sources with the container, and drops those that it does not list', async () => {
    const { calls, read } = setUp([listing(sourceId)]);
    expect(await read([otherSourceId, sourceId])).toEqual(['one']);
    expect(calls.toSorted()).toEqual([sourceId, otherSourceId, 'container'].toSorted());
  });

  test('does not care why an expected source cannot be read when the container does not list it', async () => {
    const { read } = setUp([listing(sourceId)], { [otherSourceId]: later });
    expect(await read([sourceId, otherSourceId])).toEqual(['one']);
  });

  test('ends with the problem of a source that the container lists', async () => {
    const { read } = setUp([listing(sourceId, otherSourceId)], { [otherSourceId]: later });
    expect(await read()).toEqual(later);
    expect(await read([otherSourceId])).toEqual(later);
  });

  test('ends with the problem of the container', async () => {
    const { calls, read } = setUp([gone]);
    expect(await read()).toEqual(gone);
    expect(calls).toEqual(['container']);
  });

  test('of a database in the trash reads no sources', async () => {
    const { calls, read } = setUp([sightOf(ok(container({ in_trash: true })), parseDatabase)]);
    expect(await read()).toEqual({ kind: 'seen', value: { trashed: true } });
    expect(calls).toEqual(['container']);
  });

  test('reads the container again, once, when a source that it lists is gone', async () => {
    const moved = setUp([listing(sourceId, otherSourceId), listing(sourceId)], { [otherSourceId]: gone });
    expect(await moved.read()).toEqual(['one']);
    const unshared = setUp([listing(sourceId, otherSourceId)], { [otherSourceId]: gone });
    expect(await unshared.read()).toEqual(['one', 'other hidden']);
    expect(unshared.calls).toEqual(['container', sourceId, otherSourceId, 'container']);
  });

  test('does not read the container again for a source that is only forbidden', async () => {
    const { calls, read } = setUp([listing(otherSourceId)], { [otherSourceId]: refused('restricted', 'restricted_resource') });
    expect(await read()).toEqual(['other hidden']);
    expect(calls).toEqual(['container', otherSourceId]);
  });
});

test.each<[string, Sight<ParsedDataSource>, ReturnType<typeof hiddenBy>]>([
  ['that is seen', source(sourceId), null],
  ['that answers 404 may have left', gone, { hidden: true, reason: null, mayHaveLeft: true }],
  [
    'that is unreadable may have left, with the reason',
    { kind: 'gone', failure: { class: 'unreadable', code: 'validation_error', message: '' } },
    { hidden: true, reason: 'validation_error', mayHaveLeft: true },
  ],
  [
    'that is forbidden is there',
    refused('restricted', 'restricted_resource'),
    { hidden: true, reason: 'restricted_resource', mayHaveLeft: false },
  ],
  [
    'that is refused as invalid is there',
    refused('invalid', 'validation_error'),
    { hidden: true, reason: 'validation_error', mayHaveLeft: false },
  ],
  ['of a blocked integration is not known', refused('restricted', 'public_api_request_blocked'), null],
  ['is not known when the request itself is wrong', refused('invalid', 'missing_version'), null],
  ['of an unexpected shape is not known', refused('unexpected', 'malformed_object'), null],
  ['is not known while Notion cannot answer', later, null],
  ['is not known through a dead connection', { kind: 'dead' }, null],
])('a data source %s', (_, sight, hidden) => {
  expect(hiddenBy(sight)).toEqual(hidden);
});
