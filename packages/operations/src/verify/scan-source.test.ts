import type { Connection } from '@notion-mirror/domain/connection';
import type { DigestedRow } from '@notion-mirror/mirror-store/entities/row-records';
import { digestOfRow } from '@notion-mirror/mirror-store/entities/row-records';
import type { FoundRow } from '@notion-mirror/notion-source/row-document';
import { RowQueryError } from '@notion-mirror/notion-source/row-query';
import { expect, test } from 'vitest';
import { someRow } from '../../../mirror-store/test/rows.ts';
import { scanSource } from './scan-source.ts';

const source = { workspaceId: 'acme', dataSourceId: 's1' };
const createdTime = Date.parse('2026-03-01T19:05:00Z');

const connection = (connectionId: string) => ({ connectionId, workspaceId: 'acme', status: 'active' }) as Connection;

function found(id: string, change: Partial<FoundRow> = {}): FoundRow {
  return { id, createdTime, isArchived: false, isInTrash: false, isCut: false, content: someRow({ title: id }), ...change };
}

const held = (id: string, connectionId = 'c1', title = id): DigestedRow => ({
  id,
  createdTime,
  connectionId,
  digest: digestOfRow(someRow({ title })) ?? '',
  asOf: createdTime,
});

/** `notion`: the live rows that each connection sees; an error that its queries fail with; or so many rows that they are cut off. */
async function scan(
  notion: Readonly<Record<string, readonly FoundRow[] | RowQueryError | 'too_many'>>,
  mirrored: readonly DigestedRow[],
  maxSuspects = 10,
) {
  const cut: string[][] = [];
  const result = await scanSource(
    {
      notion: {
        queryRows:
          ({ connectionId }) =>
          ({ partition, from }) => {
            const isInRange = partition === 'live' && (from ?? 0) <= createdTime;
            const answer = notion[connectionId];
            if (answer instanceof RowQueryError) return Promise.reject(answer);
            const rows = answer === 'too_many' ? [found('one')] : (answer ?? []);
            return Promise.resolve({
              kind: 'page',
              startedAt: 0,
              rows: isInRange ? rows : [],
              nextCursor: null,
              isIncomplete: answer === 'too_many' && isInRange,
            });
          },
      },
      records: {
        async *live(_, { partition, from }) {
          if (partition === 'live' && (from ?? 0) <= createdTime) yield* mirrored;
        },
      },
      maxSuspects,
      signal: new AbortController().signal,
      checkCut(ids) {
        cut.push([...ids]);
        return Promise.resolve(ids.filter((id) => id.endsWith('changed')));
      },
      onRows: () => {},
    },
    source,
    Object.keys(notion).map(connection),
  );
  return { ...result, suspects: [...result.suspects].toSorted((a, b) => (a < b ? -1 : 1)), cut };
}

const refused = new RowQueryError('refused', { class: 'restricted', code: 'restricted_resource', message: 'no' });

test('new, different and absent rows are suspects, equal ones are not', async () => {
  const rows = [found('equal'), found('new'), found('stale')];
  const mirrored = [held('absent'), held('equal'), held('stale', 'c1', 'older')];
  expect(await scan({ c1: rows }, mirrored)).toMatchObject({ compared: 3, suspects: ['absent', 'new', 'stale'], more: 0, problems: [] });
});

test('a hidden row is a suspect exactly if a query returns it', async () => {
  const hidden = (id: string): DigestedRow => ({ ...held(id), isListed: false });
  expect(await scan({ c1: [found('listed'), found('row')] }, [hidden('listed'), held('row'), hidden('template')])).toMatchObject({
    compared: 2,
    suspects: ['listed'],
  });
});

test('a row whose values Notion cut off is read singly, even if it looks equal', async () => {
  const rows = [found('same', { isCut: true }), found('changed', { isCut: true })];
  const { suspects, cut } = await scan({ c1: rows }, [held('same'), held('changed')]);
  expect({ suspects, cut }).toEqual({ suspects: ['changed'], cut: [['same', 'changed']] });
});

test('each row is compared through the connection that fetched it last', async () => {
  const mine = found('a', { content: someRow({ title: 'as c1 sees it' }) });
  const mirrored = [held('a', 'c1', 'as c1 sees it'), held('b', 'c2')];
  expect(await scan({ c1: [mine], c2: [found('a'), found('b')] }, mirrored)).toMatchObject({ compared: 2, suspects: [], problems: [] });
  // Without the other one, no other pass would compare it.
  expect(await scan({ c1: [mine] }, mirrored)).toMatchObject({ suspects: ['b'] });
});

test('a connection that may not query the data source matters only if no other may', async () => {
  expect(await scan({ c1: refused, c2: [found('a')] }, [held('a', 'c2')])).toMatchObject({ compared: 1, problems: [] });
  const { problems } = await scan({ c1: refused, c2: refused }, []);
  expect(problems).toEqual(['c1: query of rows: no', 'c2: query of rows: no']);
});

test('a malformed answer is a problem, even if another connection sees the data source', async () => {
  const malformed = new RowQueryError('malformed', { class: 'unexpected', code: 'malformed', message: 'no properties' });
  expect(await scan({ c1: malformed, c2: [] }, [])).toMatchObject({ problems: ['c1: query of rows: no properties'] });
});

test('rows of a minute with more than Notion returns are not compared', async () => {
  const { suspects, problems } = await scan({ c1: 'too_many' }, [held('one'), held('unseen')]);
  expect(suspects).toEqual([]);
  expect(problems).toEqual([expect.stringContaining('the minute 2026-03-01T19:05Z')]);
});

test('suspects beyond the limit are counted', async () => {
  const rows = Array.from({ length: 5 }, (_, n) => found(`new ${n}`));
  expect(await scan({ c1: rows }, [], 2)).toMatchObject({ compared: 5, suspects: ['new 0', 'new 1'], more: 3 });
});
