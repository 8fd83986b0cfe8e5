import type { ScanWish } from '@notion-mirror/mirror-store/data-source-contents';
import { createLogger } from '@notion-mirror/service-kit/logger';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createDependencyScans } from './dependency-scans.ts';

const hour = 3_600_000;
const source = { workspaceId: 'acme', dataSourceId: 's1' };

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
});
afterEach(() => {
  vi.useRealTimers();
});

function scansOf() {
  const wishes: Pick<ScanWish, 'reasons' | 'at' | 'dueAt'>[] = [];
  const scans = createDependencyScans({
    contents: {
      want: (_source, { reasons, at, dueAt }) => {
        wishes.push({ reasons, at, dueAt });
        return Promise.resolve(true);
      },
    },
    scanAfterMs: 70_000,
    now: Date.now,
    logger: createLogger({ service: 'test', level: 'silent' }),
  });
  return { scans, wishes };
}
const wish = (at: number, dueAt = at + 70_000) => ({ reasons: ['dependency'], at: new Date(at), dueAt: new Date(dueAt) });

// The wishes of one data source become one, for the newest change and the earliest time: it would be scanned again and again while rows change.
test('a scan is wanted for when it sees the change, and after that once an hour while rows change', async () => {
  const { scans, wishes } = scansOf();
  for (let minute = 0; minute < 90; minute += 1) {
    await scans.want(source);
    await vi.advanceTimersByTimeAsync(60_000);
  }
  await vi.advanceTimersByTimeAsync(2 * hour);
  expect(wishes).toEqual([wish(0), wish(hour), wish(2 * hour)]);
});

test('nothing is wanted without another change, and other data sources do not wait', async () => {
  const { scans, wishes } = scansOf();
  await scans.want(source);
  await scans.want({ ...source, dataSourceId: 's2' });
  await vi.advanceTimersByTimeAsync(2 * hour);
  expect(wishes).toEqual([wish(0), wish(0)]);
});

test('a stop wants what is still to come', async () => {
  const { scans, wishes } = scansOf();
  await scans.want(source);
  await scans.want({ ...source, dataSourceId: 's2' });
  await vi.advanceTimersByTimeAsync(600_000);
  await scans.want(source);
  await scans.stop();
  expect(wishes.slice(2)).toEqual([wish(600_000, hour)]);
});
