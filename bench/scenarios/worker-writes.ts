import type { ServiceProcess } from '@notion-mirror/demo/service-process';
import { waitUntil } from '@notion-mirror/local-stack/wait-until';
import { z } from 'zod';
import { mongodPid, mongoFloor, mongoFloorName } from '../mongo-floor.ts';
import { cpuSecondsOf, residentMegabytesOf } from '../process-cost.ts';
import type { Scenario } from '../scenario.ts';
import { metricOf } from '../service-metrics.ts';
import { prepareWithStub, type StubSystem } from '../stub-system.ts';

const patienceMs = 180_000;
const spanSchema = z.tuple([z.object({ first: z.date(), last: z.date() })]);

/** A backlog that a worker finds when it starts, bound by the worker and MongoDB only. Each event names its own database, so none are coalesced. */
export const workerWrites: Scenario = {
  name: 'worker-writes',
  title: 'A backlog of 10,000 events on 10,000 databases, Notion at 0 ms a call, two calls a document',
  figures: [
    { name: 'documents', unit: '/s' },
    { name: 'with states and outcomes', unit: '/s' },
    { name: 'CPU', unit: 'µs' },
    { name: 'CPU of MongoDB', unit: 'µs' },
    { name: 'CPU of the stub', unit: 'µs' },
    { name: 'memory', unit: 'MB' },
  ],
  targets: [{ figure: 'documents', of: 'sync-worker', against: mongoFloorName, bound: 'at least', value: 0.5 }],
  prepare: (stack, quick) =>
    prepareWithStub(stack, 'worker-writes', async (bench) => {
      const documents = quick ? 500 : 10_000;
      return [{ name: 'sync-worker', measure: () => measureWorker(bench, documents) }, mongoFloor(bench, documents)];
    }),
};

async function measureWorker({ system, backlog, notionPid }: StubSystem, documents: number) {
  const records = system.db.collection('database_records');
  await backlog.append(documents);
  const mongod = await mongodPid(system);
  const worker = await system.start('sync-worker');
  try {
    const cost = () => [cpuSecondsOf(worker.pid), cpuSecondsOf(mongod), cpuSecondsOf(notionPid)] as const;
    const before = cost();
    // From the collection's metadata, at no cost to MongoDB.
    const areWritten = async () => (await records.estimatedDocumentCount()) >= documents;
    await waitUntil(`${documents} documents`, areWritten, { timeoutMs: patienceMs });
    const areSettled = async () =>
      (await metricOf(worker, 'notion_mirror_state_log_appended_total')) >= documents &&
      (await metricOf(worker, 'notion_mirror_outcomes_kept_total')) >= documents;
    await waitUntil(`the states and outcomes of ${documents} documents`, areSettled, { timeoutMs: patienceMs });
    const settledAt = Date.now();
    const after = cost();
    const memory = residentMegabytesOf(worker.pid);
    const span = [{ $group: { _id: null, first: { $min: '$syncedAt' }, last: { $max: '$syncedAt' } } }];
    const [{ first, last }] = spanSchema.parse(await records.aggregate(span).toArray());
    await empty(system, worker, documents);
    const each = (index: 0 | 1 | 2) => ((after[index] - before[index]) / documents) * 1e6;
    return {
      documents: documents / ((last.getTime() - first.getTime()) / 1_000),
      'with states and outcomes': documents / ((settledAt - first.getTime()) / 1_000),
      CPU: each(0),
      'CPU of MongoDB': each(1),
      'CPU of the stub': each(2),
      memory,
    };
  } finally {
    await worker.stop();
  }
}

/** While the worker still runs, so that it publishes the removals and the next one need not. */
async function empty({ db }: StubSystem['system'], worker: ServiceProcess, documents: number): Promise<void> {
  await db.collection('database_records').deleteMany({});
  await db.collection('event_outcomes').deleteMany({});
  const arePublished = async () => (await metricOf(worker, 'notion_mirror_state_log_appended_total')) >= 2 * documents;
  await waitUntil('the removal of all documents on the state log', arePublished, { timeoutMs: patienceMs });
}
