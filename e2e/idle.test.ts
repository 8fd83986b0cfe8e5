import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { setScene, type Scene } from './scene.ts';

let scene: Scene;

beforeAll(async () => {
  const watch = pathToFileURL(join(import.meta.dirname, 'timer-watch.ts'));
  scene = await setScene('idle', { env: { NODE_OPTIONS: `--import ${watch.href}` } });
});
afterAll(() => scene.end());

// Timers of Node's metrics, of the clients and our own woke an idle service 115 to 150 times a second, which was about half of its CPU.
test.each(['ingress', 'sync-worker', 'delete-worker'] as const)('%s sets no short timers while idle', async (name) => {
  const service = await scene.start(name);
  const started = scene.lines.length;
  const watched = () => scene.lines.slice(started).filter((line) => line.service === 'timer-watch');
  await expect.poll(() => watched().slice(-5)).toContainEqual(expect.objectContaining({ msg: 'calm' }));
  await service.stop();
});
