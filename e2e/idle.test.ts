import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { setScene, type Scene } from './scene.ts';
import { waitUntil } from './wait-until.ts';

let scene: Scene;

beforeAll(async () => {
  scene = await setScene('idle');
});
afterAll(() => scene.end());

// Timers of Node's metrics, of the clients and our own woke an idle service 115 to 150 times a second, which was about half of its CPU.
test.skipIf(process.platform !== 'linux').each(['ingress', 'sync-worker', 'delete-worker'] as const)(
  '%s sleeps while idle',
  async (name) => {
    const service = await scene.start(name);
    let counted = Number.NaN;
    await waitUntil(
      async () => {
        const before = wakeUpsOf(service.pid);
        await delay(1_000);
        counted = wakeUpsOf(service.pid) - before;
        return counted < 70;
      },
      { describe: async () => `${name} woke ${counted} times in a second` },
    );
    await service.stop();
    expect(counted).toBeLessThan(70);
  },
);

/** How often the process's main thread has gone to sleep, by the kernel's count. */
function wakeUpsOf(pid: number): number {
  return Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}
