import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import type { Connection } from '@notion-mirror/domain/connection';
import type { Parked } from '@notion-mirror/mirror-store/parked-events';
import { createLogger } from '@notion-mirror/service-kit/logger';
import { expect, onTestFinished, test } from 'vitest';
import { startParkedRelease } from './parked-release.ts';

const hour = 3_600_000;
const now = 10 * hour;
const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const another = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00';

/** The trace in which an event is appended that was parked so long ago. */
async function traceAfter(ms: number, event: Partial<DatabaseEvent>): Promise<string | undefined> {
  const appended = Promise.withResolvers<string | undefined>();
  const parked: Parked = { event: event as DatabaseEvent, accessibleBy: [], parkedAt: new Date(now - ms) };
  const release = startParkedRelease({
    connections: { activeByWorkspace: () => [{} as Connection], onChange: () => () => {} },
    parked: {
      workspaces: () => Promise.resolve(['acme']),
      async release(_workspaceId, publish) {
        await publish(parked);
        return 1;
      },
    },
    append: (again) => Promise.resolve(appended.resolve(again.trace)),
    tracing: { newTrace: () => another },
    now: () => now,
    logger: createLogger({ service: 'test', level: 'silent' }),
  });
  onTestFinished(() => release.stop());
  return appended.promise;
}

test('an event continues its trace when it was parked for less than an hour', async () => {
  expect(await traceAfter(hour - 1, { trace })).toBe(trace);
  expect(await traceAfter(hour, { trace })).toBe(another);
  // One that an earlier version has parked.
  expect(await traceAfter(1, { trace: undefined })).toBe(another);
});
