import type { DatabaseContent } from '@notion-mirror/domain/database-content';
import { databaseStorage } from '@notion-mirror/mirror-store/entities/database';
import { fieldsOf, type MirroredDocument } from '@notion-mirror/mirror-store/records/mirrored-documents';
import type { FetchOutcome } from '@notion-mirror/notion-source/notion-source';
import { describe, expect, test } from 'vitest';
import { compareEntities } from './compare-entities.ts';

const databaseId = '248104cd-477e-80fd-b757-e945d38000bd';

function content(title: string): DatabaseContent {
  return {
    title,
    description: '',
    url: null,
    publicUrl: null,
    icon: null,
    cover: null,
    parent: { type: 'workspace', id: null },
    isInline: false,
    isLocked: false,
    createdTime: null,
    lastEditedTime: null,
    dataSources: [],
    raw: { database: { object: 'database', title }, dataSources: [] },
  };
}

const live = (title: string): FetchOutcome => ({ kind: 'live', content: content(title), connectionId: 'c' });
const mirrored = (title: string, version: number): MirroredDocument => ({
  fields: fieldsOf(databaseStorage, { workspaceId: 'acme', id: databaseId }, content(title)),
  version: String(version),
  connectionId: 'c',
  problem: null,
});

/** The title of a database that is edited every two seconds. */
const titleAt = (at: number) => String(Math.floor(at / 2_000));

/** The mirror and Notion as functions of a fake clock. Sleeping advances it, and a fetch takes 100 ms. */
function scene(mirror: (at: number) => MirroredDocument | null, notion: (at: number) => FetchOutcome) {
  let now = 0;
  let fetches = 0;
  const compare = (signal = new AbortController().signal) =>
    compareEntities(
      {
        storage: databaseStorage,
        read: () => Promise.resolve(mirror(now)),
        fetch: () => {
          fetches += 1;
          const outcome = notion(now);
          now += 100;
          return Promise.resolve(outcome);
        },
        clock: {
          now: () => now,
          sleep: (ms) => {
            now += Math.max(0, ms);
            return Promise.resolve();
          },
        },
        graceMs: 10_000,
        signal,
        onCompared: () => {},
      },
      'acme',
      [databaseId],
    );
  return { compare, fetches: () => fetches };
}

describe('a comparison of one database', () => {
  test('an equal database costs one fetch', async () => {
    const { compare, fetches } = scene(
      () => mirrored('A', 1),
      () => live('A'),
    );
    expect(await compare()).toEqual({ compared: 1, differences: [], unsettled: [], unanswered: [] });
    expect(fetches()).toBe(1);
  });

  test.each([
    ['missing', null, live('A'), { kind: 'missing' }],
    ['in the trash', mirrored('A', 1), { kind: 'trashed', connectionId: 'c' } as const, { kind: 'extra', because: 'trashed' }],
    ['not shared', mirrored('A', 1), { kind: 'inaccessible' } as const, { kind: 'extra', because: 'inaccessible' }],
    ['damaged', { ...mirrored('A', 1), problem: 'rev is a text' }, live('A'), { kind: 'damaged', problem: 'rev is a text' }],
  ])('a database that is %s is a difference if it still is after the grace period', async (_name, mirror, notion, verdict) => {
    const { compare, fetches } = scene(
      () => mirror,
      () => notion,
    );
    expect((await compare()).differences).toMatchObject([{ workspaceId: 'acme', id: databaseId, verdict }]);
    expect(fetches()).toBe(2);
  });

  test('a stale database is reported field by field', async () => {
    const { compare } = scene(
      () => mirrored('A', 1),
      () => live('B'),
    );
    const [difference] = (await compare()).differences;
    expect(difference?.verdict).toMatchObject({
      kind: 'stale',
      fields: [
        { path: 'title', mirror: 'A', notion: 'B' },
        { path: 'raw.database.title', mirror: 'A', notion: 'B' },
      ],
    });
  });

  test('an edit whose webhook is still in flight is no difference', async () => {
    const { compare } = scene(
      (at) => (at < 3_000 ? mirrored('A', 1) : mirrored('B', 2)),
      () => live('B'),
    );
    expect(await compare()).toMatchObject({ differences: [], unsettled: [] });
  });

  test('a database that is edited constantly, with the mirror 5 s behind, is unsettled and no difference', async () => {
    const { compare } = scene(
      (at) => mirrored(titleAt(at - 5_000), Math.floor(at / 2_000)),
      (at) => live(titleAt(at)),
    );
    expect(await compare()).toMatchObject({ differences: [], unsettled: [databaseId] });
  });

  test('a record written during its comparison is compared again', async () => {
    const { compare } = scene(
      (at) => (at < 10_150 ? mirrored('A', 1) : at < 10_250 ? mirrored('A', 2) : mirrored('B', 3)),
      () => live('B'),
    );
    expect(await compare()).toMatchObject({ differences: [], unsettled: [] });
  });

  test('throttling only delays a comparison; a lasting failure is reported as unanswered', async () => {
    const failure = { class: 'rate_limited', code: 'window', message: 'no room' } as const;
    const throttled = scene(
      () => mirrored('A', 1),
      (at) => (at < 300_000 ? { kind: 'retry', at: at + 30_000, scope: 'connection', failure } : live('A')),
    );
    expect(await throttled.compare()).toMatchObject({ differences: [], unanswered: [] });
    const down = scene(
      () => mirrored('A', 1),
      (at) => ({ kind: 'retry', at: at + 1_000, scope: 'request', failure: { class: 'server', code: '503', message: 'Notion is down' } }),
    );
    expect(await down.compare()).toMatchObject({ differences: [], unanswered: [{ id: databaseId, why: 'Notion is down' }] });
    expect(down.fetches()).toBe(6);
  });

  test('an aborted signal ends it', async () => {
    const stop = new AbortController();
    stop.abort(new Error('Ctrl-C'));
    await expect(
      scene(
        () => null,
        () => live('A'),
      ).compare(stop.signal),
    ).rejects.toThrow('Ctrl-C');
  });
});
