import type { Registry } from '@notion-mirror/service-kit/metrics';
import { sharedCounter, sharedHistogram } from '@notion-mirror/service-kit/shared-metrics';
import { StoreUnavailableError } from '../errors.ts';

/** One set of metrics for the stores of all kinds of entities in a process. */
export function createStoreMeter(registry: Registry) {
  const operations = sharedCounter(
    registry,
    'notion_mirror_store_operations_total',
    'Reads and conditional writes of records, by outcome.',
    ['operation', 'outcome'],
  );
  const batchSize = sharedHistogram(
    registry,
    'notion_mirror_store_batch_size',
    'Records read or written together, and data sources whose databases were looked up together (list).',
    ['kind'],
    [1, 2, 5, 10, 20, 50, 100, 200, 500],
  );
  const batchSeconds = sharedHistogram(
    registry,
    'notion_mirror_store_batch_seconds',
    'Time of one batch of reads or writes in MongoDB.',
    ['kind'],
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  );
  return {
    async operation<T>(operation: string, run: () => Promise<T>, outcomeOf: (result: T) => string): Promise<T> {
      try {
        const result = await run();
        operations.inc({ operation, outcome: outcomeOf(result) });
        return result;
      } catch (error) {
        operations.inc({ operation, outcome: error instanceof StoreUnavailableError ? 'unavailable' : 'failed' });
        throw error;
      }
    },
    async batch<T>(kind: 'read' | 'write' | 'list', size: number, run: () => Promise<T>): Promise<T> {
      batchSize.observe({ kind }, size);
      const stop = batchSeconds.startTimer({ kind });
      try {
        return await run();
      } finally {
        stop();
      }
    },
  };
}

/** One result of a batch: the value or error of `make`. */
export function settled<T>(make: () => T): PromiseSettledResult<T> {
  try {
    return { status: 'fulfilled', value: make() };
  } catch (error) {
    return { status: 'rejected', reason: error };
  }
}
