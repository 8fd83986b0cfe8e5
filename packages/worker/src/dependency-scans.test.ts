import type { ScanWish } from '@notion-mirror/mirror-store/data-source-contents';
import { expect, test } from 'vitest';
import { createDependencyScans } from './dependency-scans.ts';

const source = { workspaceId: 'acme', dataSourceId: 's1' };

function scansOf() {
  const wishes: [dataSourceId: string, at: number, hop: number | undefined][] = [];
  const clock = { now: 0, isAvailable: true };
  const scans = createDependencyScans({
    contents: {
      want: ({ dataSourceId }, { at, hop, reasons }: ScanWish) => {
        if (!clock.isAvailable) return Promise.reject(new Error('unavailable'));
        expect(reasons).toEqual(['dependency']);
        wishes.push([dataSourceId, at.getTime(), hop]);
        return Promise.resolve(true);
      },
    },
    now: () => clock.now,
  });
  return { want: (hop = 1, dataSourceId = 's1') => scans.want({ ...source, dataSourceId }, hop), wishes, clock };
}

// A killed worker forgot the changes of the last hour when only the first one was written down.
test('every change is covered by a durable wish, with at most one write in ten seconds', async () => {
  const { want, wishes, clock } = scansOf();
  for (clock.now = 0; clock.now < 25_000; clock.now += 500) {
    await want();
    expect(wishes.at(-1)?.[1]).toBeGreaterThan(clock.now);
  }
  expect(wishes).toEqual([
    ['s1', 10_000, 1],
    ['s1', 20_000, 1],
    ['s1', 30_000, 1],
  ]);
});

test('a change that may go further is wished for at once, and other data sources do not wait', async () => {
  const { want, wishes } = scansOf();
  await want(3);
  await want(4);
  await want(2);
  await want(3, 's2');
  expect(wishes.map(([id, , hop]) => [id, hop])).toEqual([
    ['s1', 3],
    ['s1', 2],
    ['s2', 3],
  ]);
});

test('a wish that failed is none', async () => {
  const { want, wishes, clock } = scansOf();
  clock.isAvailable = false;
  await expect(want()).rejects.toThrow('unavailable');
  clock.isAvailable = true;
  await want();
  expect(wishes).toHaveLength(1);
});
