import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LogLine } from '@notion-mirror/demo/service-process';
import { startSystem } from '@notion-mirror/demo/system';
import { startStack } from '@notion-mirror/local-stack/stack';
import { describe, expect, test } from 'vitest';
import { waitUntil } from './wait-until.ts';

const properties = { Name: { title: {} } };

describe('a restart of everything on the same data', () => {
  test('servers and services restart and continue where they were, including events that no worker had read', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'mirror-restart-'));
    let stack = await startStack({ dataDir });
    const handled: string[] = [];
    const onLine = (line: LogLine) => {
      if (line['outcome'] !== undefined) handled.push(String(line['eventId']));
    };
    const system = await startSystem(stack, { name: 'restart', onLine });
    try {
      const workers = ['sync-worker', 'delete-worker'] as const;
      const services = await Promise.all((['ingress', ...workers] as const).map((name) => system.start(name)));
      const acme = await system.connect('acme', 'Acme');
      await acme.user.createDatabase(acme.pages.home, 'Kept', properties);
      await waitUntil(async () => (await system.differences()).length === 0);

      // Events that are accepted but not read by any worker before the shutdown.
      await Promise.all(services.filter(({ name }) => name !== 'ingress').map((service) => service.stop()));
      await acme.user.createDatabase(acme.pages.home, 'Unread', properties);
      await system.pair.settle();
      await services.find(({ name }) => name === 'ingress')?.stop();
      await stack.stop();

      const handledBefore = new Set(handled.splice(0));
      expect(handledBefore.size).toBeGreaterThan(0);
      stack = await startStack({ dataDir });
      await Promise.all((['ingress', ...workers] as const).map((name) => system.start(name)));
      await waitUntil(async () => (await system.db.collection('databases').countDocuments()) === 2);
      await expect.poll(() => system.differences()).toEqual([]);
      // Finished events are not handled again.
      expect(handled.filter((eventId) => handledBefore.has(eventId))).toEqual([]);
    } finally {
      await system.stop();
      await stack.stop();
      await rm(dataDir, { recursive: true, force: true });
    }
    // Two server starts; as containers each may take minutes.
  }, 600_000);
});
