import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/** Short-lived objects of which many are in use when V8 looks: what a service under load does. Prints MiB: the young generation, the old one. */
function heapAfterLoad(prepare: string): { young: number; old: number } {
  const program = `
    import { getHeapSpaceStatistics } from 'node:v8';
    import { setTimeout as delay } from 'node:timers/promises';
    import { boundHeap } from ${JSON.stringify(join(import.meta.dirname, 'heap-bounds.ts'))};
    ${prepare}
    const held = [];
    for (let n = 0; n < 400; n += 1) {
      for (let k = 0; k < 20_000; k += 1) held[(n * 20_000 + k) % 120_000] = { n, text: 'x' + k };
      await delay(1);
    }
    const mib = (name) => getHeapSpaceStatistics().find((space) => space.space_name === name).space_size / 2 ** 20;
    console.log(JSON.stringify({ young: mib('new_space'), old: mib('old_space') }));
  `;
  return JSON.parse(execFileSync(process.execPath, ['--input-type=module-typescript', '--eval', program], { encoding: 'utf8' }));
}

test('the heap of a service under load stays small', () => {
  const bounded = heapAfterLoad('boundHeap();');
  const free = heapAfterLoad('');
  // It is not doubled any more from 16 MiB on; how close it comes to that depends on what is in use when V8 looks.
  expect(bounded.young).toBeLessThan(32);
  expect(bounded.young + bounded.old).toBeLessThan((free.young + free.old) * 0.75);
}, 60_000);

test('a service that says so has more room for what is soon done with, and no more than that', () => {
  const { young } = heapAfterLoad('boundHeap(32);');
  expect(young).toBeGreaterThan(16);
  expect(young).toBeLessThan(64);
}, 60_000);
