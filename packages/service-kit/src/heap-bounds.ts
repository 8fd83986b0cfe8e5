import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Keeps the heap of this process small under load. On a machine with much memory V8 lets short-lived objects fill 128 MiB before it looks at them,
 * and the rest grow to a multiple of what is in use: several hundred megabytes for a service that holds thirty. Here the young generation is not doubled
 * any more from `youngMiB` on (both semi-spaces together, MiB), and a full collection comes when the heap has grown by half since the last.
 *
 * What is in use at two collections in a row is taken for old, and only a full collection frees it. V8 goes further: what a line of code makes it puts
 * among the old at once, after it has seen enough of that stay. Here nearly all that stays is what is under way, and it is soon done with: that is off.
 *
 * In code, not as flags of the command: it holds however a service is started. V8 reads these flags at each collection, so the size is looked at
 * after each. Under memory that is really in use the heap grows as ever.
 */
export function boundHeap(youngMiB = 16): void {
  setFlagsFromString('--heap-growing-percent=50');
  setFlagsFromString('--no-allocation-site-pretenuring');
  const boundYoungGeneration = () => {
    const bytes = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? 0;
    setFlagsFromString(`--semi-space-growth-factor=${bytes < youngMiB * 2 ** 20 ? 2 : 1}`);
  };
  new PerformanceObserver(boundYoungGeneration).observe({ entryTypes: ['gc'] });
}

/**
 * Frees what loading and starting left behind, about fifteen megabytes that a quiet service would keep for hours: V8 collects when something is
 * allocated, not when nothing is. Takes some tens of milliseconds.
 */
export function collectAfterStart(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  // The second takes what the first only let go of.
  collect();
  collect();
}
