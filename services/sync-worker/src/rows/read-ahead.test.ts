import type { PageAnswer } from '@notion-mirror/domain/row-scan';
import { expect, test } from 'vitest';
import { readAhead } from './read-ahead.ts';

interface Request {
  readonly from: number;
  readonly cursor: string | null;
}

/** Three pages of one row each, whose cursors are their positions. Notes what is asked for. */
function pagesOf(failing: string | null = null) {
  const asked: Request[] = [];
  const ask = async (request: Request): Promise<PageAnswer<string>> => {
    asked.push(request);
    if (request.cursor !== null && request.cursor === failing) throw new Error('unavailable');
    const at = Number(request.cursor ?? 0);
    return {
      kind: 'page',
      startedAt: asked.length,
      rows: [`${request.from}:${at}`],
      nextCursor: at < 2 ? String(at + 1) : null,
      isIncomplete: false,
    };
  };
  return { asked, ask };
}

const rowsOf = (page: PageAnswer<string>) => (page.kind === 'page' ? page.rows : []);

test('the next page is asked for as soon as one is there, and each only once', async () => {
  const { asked, ask } = pagesOf();
  const ahead = readAhead(ask);
  const first = await ahead({ from: 1, cursor: null });
  expect([rowsOf(first), asked.map(({ cursor }) => cursor)]).toEqual([['1:0'], [null, '1']]);
  const others = [await ahead({ from: 1, cursor: '1' }), await ahead({ from: 1, cursor: '2' })];
  expect([others.map(rowsOf), asked.map(({ cursor }) => cursor)]).toEqual([
    [['1:1'], ['1:2']],
    [null, '1', '2'],
  ]);
});

test('another query gets its own answer', async () => {
  const { asked, ask } = pagesOf();
  const ahead = readAhead(ask);
  await ahead({ from: 1, cursor: null });
  expect(rowsOf(await ahead({ from: 2, cursor: '1' }))).toEqual(['2:1']);
  expect(rowsOf(await ahead({ from: 1, cursor: '1' }))).toEqual(['1:1']);
  expect(asked).toHaveLength(6);
});

test('a failure is for the caller who asks for the page, and the page can be asked for again', async () => {
  const { asked, ask } = pagesOf('1');
  const ahead = readAhead(ask);
  await ahead({ from: 1, cursor: null });
  await expect(ahead({ from: 1, cursor: '1' })).rejects.toThrow('unavailable');
  await expect(ahead({ from: 1, cursor: '1' })).rejects.toThrow('unavailable');
  expect(asked).toHaveLength(3);
});
