import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import type { PlannedRead } from '@notion-mirror/mirror-store/planned-reads';
import { createLogger } from '@notion-mirror/service-kit/logger';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createSecondReads, withSecondReads } from './second-reads.ts';

const lagMs = 60_000;
const record = { topic: 't', partition: 0, offset: 0n, timestamp: 0, key: null, value: null, headers: {} };

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
});
afterEach(() => {
  vi.useRealTimers();
});

function eventOf(type: string, eventId = 'e1'): DatabaseEvent {
  return {
    eventId,
    kind: 'row_sync',
    type,
    workspaceId: 'acme',
    connectionId: 'c1',
    providerConfigKey: 'notion',
    notionWorkspaceId: 'n1',
    databaseId: null,
    dataSourceId: 's1',
    pageId: 'p1',
    occurredAt: new Date(0),
    receivedAt: new Date(0),
    origin: 'dependency',
  };
}

/** What MongoDB keeps, by page. */
type Kept = Map<string, PlannedRead>;

/** `kept`: also of workers before this one. */
function worker(result: 'settled' | 'unwritable' = 'settled', kept: Kept = new Map()) {
  const appended: string[] = [];
  const log = { isUnavailable: false };
  let reads = 0;
  const secondReads = createSecondReads({
    lagMs,
    kept: {
      keep: async (read) => void kept.set(read.event.pageId, read),
      async end({ event, dueAt }) {
        const known = kept.get(event.pageId);
        if (known !== undefined && known.dueAt <= dueAt) kept.delete(event.pageId);
      },
      dueBefore: async (time) => [...kept.values()].filter(({ dueAt }) => dueAt < time),
    },
    append: async ({ type }) => {
      if (log.isUnavailable) throw new Error('unavailable');
      appended.push(`${type} at ${Date.now()}`);
    },
    now: Date.now,
    logger: createLogger({ service: 'test', level: 'silent' }),
  });
  const sync = withSecondReads(secondReads, () => {
    reads += 1;
    if (result === 'unwritable') return Promise.resolve({ kind: 'unwritable', message: '' });
    return Promise.resolve({ kind: 'settled', outcome: 'written', trail: null, calls: 1 });
  });
  return {
    secondReads,
    appended,
    kept,
    log,
    reads: () => reads,
    handle: (...types: string[]) => {
      const items = types.map((type, n) => ({ item: eventOf(type, `e${n}`), record, takenAt: 0 }));
      const work = { lane: 'acme', task: 'page:p1', items, attempt: 1, signal: new AbortController().signal };
      return sync(work, items.at(-1)!.item, 'p1');
    },
  };
}

test('a row that depends on a changed row is read at once, and again one lag later', async () => {
  const { handle, appended, reads } = worker();
  await handle('mirror.dependency.2');
  expect(reads()).toBe(1);
  await vi.advanceTimersByTimeAsync(2 * lagMs);
  expect(appended).toEqual([`mirror.dependency.2.second at ${lagMs}`]);
  await handle('mirror.dependency.2.second');
  await handle('page.properties_updated');
  await vi.advanceTimersByTimeAsync(2 * lagMs);
  expect([reads(), appended.length]).toEqual([3, 1]);
});

test('each of a few changes is read at once, and the second read follows the last of them', async () => {
  const { handle, appended, reads } = worker();
  for (let n = 0; n < 5; n += 1) {
    await handle('mirror.dependency.1');
    await vi.advanceTimersByTimeAsync(10_000);
  }
  await vi.advanceTimersByTimeAsync(5 * lagMs);
  expect(reads()).toBe(5);
  expect(appended).toEqual([`mirror.dependency.1.second at ${40_000 + lagMs}`]);
});

// A row whose sources change every second took a call a second.
test('a row whose sources change all the time is soon read once in a lag, and one lag after the last change', async () => {
  const { handle, appended, reads } = worker();
  for (let second = 0; second < 150; second += 1) {
    await handle('mirror.dependency.1');
    await vi.advanceTimersByTimeAsync(1_000);
  }
  await vi.advanceTimersByTimeAsync(5 * lagMs);
  expect(reads()).toBe(5);
  expect(appended).toEqual([1, 2, 3, 4].map((n) => `mirror.dependency.1.second at ${4_000 + n * lagMs}`));
  await handle('mirror.dependency.1');
  expect(reads()).toBe(6);
});

test('an edit of the row itself does not wait for the second read', async () => {
  const { handle, reads } = worker();
  for (let n = 0; n < 5; n += 1) await handle('mirror.dependency.1');
  expect(await handle('page.properties_updated')).toMatchObject({ outcome: 'written' });
  expect(await handle('mirror.dependency.1', 'page.properties_updated')).toMatchObject({ outcome: 'written' });
  expect(await handle('mirror.dependency.1.second')).toMatchObject({ outcome: 'written' });
  expect(await handle('mirror.dependency.1')).toMatchObject({ outcome: 'skipped', reason: 'read_again_soon' });
  expect(reads()).toBe(8);
});

test('the second read goes as far as the nearest of the changes that it answers', async () => {
  const { handle, appended } = worker();
  await handle('mirror.dependency.2');
  for (let n = 0; n < 4; n += 1) await handle('mirror.dependency.4');
  await vi.advanceTimersByTimeAsync(lagMs);
  expect(appended).toEqual([`mirror.dependency.2.second at ${lagMs}`]);
  for (let n = 0; n < 5; n += 1) await handle('mirror.dependency.4');
  await handle('mirror.dependency.1');
  await vi.advanceTimersByTimeAsync(lagMs);
  expect(appended.at(-1)).toBe(`mirror.dependency.1.second at ${2 * lagMs}`);
});

test('a second read that could not be appended is tried again', async () => {
  const { handle, appended, log } = worker();
  await handle('mirror.dependency.1');
  log.isUnavailable = true;
  await vi.advanceTimersByTimeAsync(lagMs);
  log.isUnavailable = false;
  await vi.advanceTimersByTimeAsync(2 * lagMs);
  expect(appended).toEqual([`mirror.dependency.1.second at ${2 * lagMs}`]);
});

test('nothing is planned for a row that could not be read', async () => {
  const { handle, appended } = worker('unwritable');
  await handle('mirror.dependency.1');
  await vi.advanceTimersByTimeAsync(2 * lagMs);
  expect(appended).toEqual([]);
});

test('what has begun is no longer kept', async () => {
  const { handle, kept } = worker();
  await handle('mirror.dependency.1');
  expect(kept.size).toBe(1);
  await vi.advanceTimersByTimeAsync(lagMs);
  expect(kept.size).toBe(0);
});

// A killed worker forgot them, and a formula kept the value that Notion showed first until the next scan of its table.
test('second reads of a killed worker are begun by another one, a lag after they were due', async () => {
  const killed = worker();
  await killed.handle('mirror.dependency.2');
  const { secondReads, appended } = worker('settled', new Map(killed.kept));
  await vi.advanceTimersByTimeAsync(2 * lagMs);
  await secondReads.beginOverdue();
  expect(appended).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  await secondReads.beginOverdue();
  await secondReads.beginOverdue();
  expect(appended).toEqual([`mirror.dependency.2.second at ${2 * lagMs + 1}`]);
});

test('changes that a killed worker had left to a second read have one that follows them by a lag', async () => {
  const killed = worker();
  for (let n = 0; n < 5; n += 1) await killed.handle('mirror.dependency.1');
  await vi.advanceTimersByTimeAsync(lagMs - 1);
  expect(await killed.handle('mirror.dependency.1')).toMatchObject({ reason: 'read_again_soon' });
  const before = worker('settled', new Map(killed.kept));
  await vi.advanceTimersByTimeAsync(1);
  expect(killed.appended).toEqual([`mirror.dependency.1.second at ${lagMs}`]);
  const after = worker('settled', new Map(killed.kept));
  await vi.advanceTimersByTimeAsync(3 * lagMs);
  for (const { secondReads, appended } of [before, after]) {
    await secondReads.beginOverdue();
    expect(appended).toEqual([`mirror.dependency.1.second at ${4 * lagMs}`]);
  }
});

test('a stop leaves what is still to come to the next start', async () => {
  const { handle, appended, kept, secondReads } = worker();
  await handle('mirror.dependency.1');
  await secondReads.stop();
  await vi.advanceTimersByTimeAsync(2 * lagMs);
  expect(appended).toEqual([]);
  expect(kept.size).toBe(1);
});
