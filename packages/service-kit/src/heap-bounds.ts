import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Of both semi-spaces together: where V8 may stop to double them. */
const youngBytes = 16 * 2 ** 20;

/**
 * Keeps the heap of this process small under load. On a machine with much memory V8 lets short-lived objects fill 128 MiB before it looks at them,
 * and the rest grow to a multiple of what is in use: several hundred megabytes for a service that holds thirty. Here the young generation stays at
 * about 32 MiB, and a full collection comes when the heap has grown by half since the last.
 *
 * In code, not as flags of the command: it holds however a service is started. V8 reads both flags at each collection, so it is looked at after
 * each. Under memory that is really in use the heap grows as ever.
 */
export function boundHeap(): void {
  setFlagsFromString('--heap-growing-percent=50');
  new PerformanceObserver(boundYoungGeneration).observe({ entryTypes: ['gc'] });
}

function boundYoungGeneration(): void {
  const bytes = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? 0;
  setFlagsFromString(`--semi-space-growth-factor=${bytes < youngBytes ? 2 : 1}`);
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
