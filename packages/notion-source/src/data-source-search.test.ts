import { describe, expect, it } from 'vitest';
import { createFakeClock, settled } from '../test/fake-clock.ts';
import { connection } from '../test/notion-samples.ts';
import { createDataSourceSearch, createPageSize, type ReadPage } from './data-source-search.ts';
import type { FoundDataSource } from './database-document.ts';
import type { SourceFailure } from './notion-errors.ts';

type Answer = Awaited<ReturnType<ReadPage>>;

const found = (id: string): FoundDataSource => ({ dataSourceId: id, databaseId: null, lastEditedTime: null, raw: {} });
const page = (ids: readonly string[], nextCursor: string | null): Answer => ({
  kind: 'seen',
  value: { found: ids.map(found), nextCursor },
});
const failure = (failureClass: SourceFailure['class'], more: Partial<SourceFailure> = {}): SourceFailure => ({
  class: failureClass,
  code: 'a_code',
  message: 'a message',
  ...more,
});

/** Searches until the end, with time that passes by itself. `answer` gets the number of the call, from 1. */
async function search(answer: (page: { cursor: string | null; size: number; call: number; now: number }) => Answer) {
  const clock = createFakeClock();
  const sizes: number[] = [];
  const cursors: (string | null)[] = [];
  const searchAll = createDataSourceSearch({
    clock,
    readPage: async (_connection, { cursor, size }) => {
      sizes.push(size);
      cursors.push(cursor);
      return answer({ cursor, size, call: sizes.length, now: clock.now() });
    },
  });
  const ids: string[] = [];
  const end = { hasCome: false };
  const running = (async () => {
    for await (const some of searchAll(connection('a'), new AbortController().signal)) ids.push(...some.map((one) => one.dataSourceId));
  })().finally(() => (end.hasCome = true));
  const outcome = running.then(
    () => null,
    (error: unknown) => error,
  );
  while (!end.hasCome) {
    await settled();
    if (clock.sleepers > 0) await clock.advance(1_000);
  }
  return { ids, sizes, cursors, error: await outcome };
}

const tooLarge = (now: number, more: Partial<SourceFailure> = {}): Answer => ({
  kind: 'retry',
  at: now + 1_000,
  scope: 'request',
  failure: failure('server', more),
});

describe('a search whose cursor dies', () => {
  // The tenant was never compared, so lost renames were never repaired.
  it.each([
    ['is refused', (): Answer => ({ kind: 'failed', failure: failure('invalid') })],
    ['is not found', (): Answer => ({ kind: 'gone', failure: failure('gone') })],
    ['is that of the page before', (): Answer => page(['s2'], 'c1')],
    ['is missing though there is more', (): Answer => ({ kind: 'failed', failure: failure('unexpected') })],
  ])('begins again: the cursor %s', async (_, broken) => {
    let isBroken = true;
    const { ids, error } = await search(({ cursor }) => {
      if (cursor === null) return page(['s1'], 'c1');
      if (!isBroken) return page(['s2'], null);
      isBroken = false;
      return broken();
    });
    expect(error).toBeNull();
    expect(new Set(ids)).toEqual(new Set(['s1', 's2']));
    expect(ids.slice(0, 1)).toEqual(['s1']);
  });

  it('gives up after a few attempts, with the pages it has read', async () => {
    const { ids, cursors, error } = await search(({ cursor }) =>
      cursor === null ? page(['s1'], 'c1') : { kind: 'failed', failure: failure('invalid', { message: 'the cursor is invalid' }) },
    );
    expect(error).toMatchObject({ name: 'SearchError', failure: { class: 'invalid' } });
    expect(cursors).toEqual([null, 'c1', null, 'c1', null, 'c1', null, 'c1']);
    expect(new Set(ids)).toEqual(new Set(['s1']));
  });

  it('does not loop over repeated cursors or pages', async () => {
    const circle = await search(({ call }) => page([`s${call}`], call % 3 === 0 ? 'c1' : `c${call % 3}`));
    expect(circle.error).toMatchObject({ failure: { code: 'same_cursor' } });
    const samePage = await search(({ call }) => page(['s1', 's2'], `c${call}`));
    expect(samePage.error).toMatchObject({ failure: { code: 'same_cursor' } });
    expect(samePage.cursors.length).toBeLessThan(50);
  });

  it('fails at once when the first page is refused', async () => {
    const { cursors, error } = await search(() => ({ kind: 'failed', failure: failure('invalid') }));
    expect(error).toMatchObject({ name: 'SearchError' });
    expect(cursors).toHaveLength(1);
  });
});

describe('a search whose pages are too large', () => {
  // It tried the same size six times and gave up: a new tenant got no backfill.
  it.each([99, 50, 30, 12, 10])('asks for smaller pages: Notion can answer at most %i', async (most) => {
    const { ids, error, sizes } = await search(({ size, cursor, now }) =>
      size > most ? tooLarge(now) : page([`s${cursor}`], cursor === null ? 'c1' : null),
    );
    expect(error).toBeNull();
    expect(ids).toEqual(['snull', 'sc1']);
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(10);
  });

  it('follows the page size that Notion advises, also below ten, and also in a refusal', async () => {
    const advised = await search(({ size, now }) => (size > 7 ? tooLarge(now, { advisedPageSize: 7 }) : page(['s1'], null)));
    expect(advised.sizes).toEqual([100, 7]);
    const refused = await search(({ size }) =>
      size > 25 ? { kind: 'failed', failure: failure('invalid', { advisedPageSize: 25 }) } : page(['s1'], null),
    );
    expect(refused.sizes).toEqual([100, 25]);
    expect(refused.ids).toEqual(['s1']);
  });

  it('grows back, and more slowly when that was too early', async () => {
    const size = createPageSize();
    size.shrink(undefined);
    expect(size.size).toBe(50);
    const pagesUntilItGrows = () => {
      for (let pages = 1; ; pages += 1) {
        size.answered();
        if (size.size === 100) return pages;
      }
    };
    const first = pagesUntilItGrows();
    size.shrink(undefined);
    expect(pagesUntilItGrows()).toBeGreaterThan(first);
  });
});

it('a search that stays throttled ends, so that the sweep can continue', async () => {
  const { error } = await search(({ now }) => ({ kind: 'retry', at: now + 60_000, scope: 'connection', failure: failure('rate_limited') }));
  expect(error).toMatchObject({ failure: { class: 'rate_limited' } });
});
