import type { ServiceProcess } from '@notion-mirror/demo/service-process';
import { waitUntil } from '@notion-mirror/local-stack/wait-until';
import { z } from 'zod';
import { cpuSecondsOf } from './process-cost.ts';
import { metricOf } from './service-metrics.ts';
import type { StubSystem } from './stub-system.ts';

const patienceMs = 180_000;
/** Of bench-system.ts. */
const allPartitions = 12;
const spanSchema = z.tuple([z.object({ first: z.date(), last: z.date() })]);

/**
 * What `workers` sync-workers, each with its share of the partitions, make of events on as many databases, appended at once: documents a second between the first and the
 * last that is written, and CPU for each, µs. Leaves the documents there.
 */
export async function runBacklog(
  { system, backlog }: StubSystem,
  { documents, workers }: { readonly documents: number; readonly workers: number },
): Promise<{ readonly documents: number; readonly CPU: number }> {
  const records = system.db.collection('database_records');
  const before = await records.countDocuments();
  const since = new Date();
  const started = await Promise.all(Array.from({ length: workers }, () => system.start('sync-worker')));
  try {
    const share = async () => {
      const partitions = await Promise.all(started.map((worker) => metricOf(worker, 'notion_mirror_assigned_partitions')));
      return partitions.every((count) => count === allPartitions / workers);
    };
    await waitUntil('every worker has its share of the partitions', share, { timeoutMs: patienceMs });
    const cost = () => started.reduce((sum, { pid }: ServiceProcess) => sum + cpuSecondsOf(pid), 0);
    const costBefore = cost();
    await backlog.append(documents);
    const areWritten = async () => (await records.countDocuments()) >= before + documents;
    await waitUntil(`${documents} documents`, areWritten, { timeoutMs: patienceMs });
    const spent = cost() - costBefore;
    const span = [
      { $match: { syncedAt: { $gte: since } } },
      { $group: { _id: null, first: { $min: '$syncedAt' }, last: { $max: '$syncedAt' } } },
    ];
    const [{ first, last }] = spanSchema.parse(await records.aggregate(span).toArray());
    return { documents: documents / ((last.getTime() - first.getTime()) / 1_000), CPU: (spent / documents) * 1e6 };
  } finally {
    await Promise.all(started.map((worker) => worker.stop()));
  }
}
