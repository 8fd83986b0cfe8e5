import type { DatabaseContent } from '@notion-mirror/domain/database-content';
import type { RowContent } from '@notion-mirror/domain/entities/row';
import type { LiveState } from '@notion-mirror/domain/entity-state';
import { runMirror } from '@notion-mirror/demo/service-process';
import { createStateCodec } from '@notion-mirror/event-log/state-codec';
import { openStateLogWriter } from '@notion-mirror/event-log/state-log-writer';
import { toStateRecord } from '@notion-mirror/event-log/state-record';
import { databaseStates } from '@notion-mirror/event-log/entities/database-state';
import { rowStates } from '@notion-mirror/event-log/entities/row-state';
import { stateLogOf, type StateContract } from '@notion-mirror/event-log/state-contract';
import { waitUntil } from '@notion-mirror/local-stack/wait-until';
import { kafkaOf } from '../bench-kafka.ts';
import { mongodPid, mongoFloor, mongoFloorName, mongoUriOf } from '../mongo-floor.ts';
import { answeredContent, newDatabaseId } from '../notion-answers.ts';
import { answeredRow, newTable, pageIdOf } from '../row-answers.ts';
import { cpuSecondsOf, cpuSecondsOfEndedChildren } from '../process-cost.ts';
import type { Contender, Scenario } from '../scenario.ts';
import { prepareWithStub, type StubSystem } from '../stub-system.ts';
import { withRows } from '../tables.ts';

const fromStates = 'from the state log';
const patienceMs = 300_000;
const figures: Scenario['figures'] = [
  { name: 'documents', unit: '/s' },
  { name: 'time', unit: 's' },
  { name: 'CPU', unit: 'µs' },
  { name: 'CPU of MongoDB', unit: 'µs' },
];

/** `mirror replay run` into an empty mirror, from the start of the command until every document is there. */
export const rebuild: Scenario = {
  name: 'rebuild',
  title: 'An empty mirror rebuilt: 100,000 databases from the state log, 10,000 from events (Notion at 0 ms a call)',
  figures,
  targets: [{ figure: 'documents', of: fromStates, against: mongoFloorName, bound: 'at least', value: 0.8 }],
  plots: [{ kind: 'bars', figure: 'documents' }],
  prepare: (stack, quick) =>
    prepareWithStub(stack, 'rebuild', async (bench) => [
      await rebuiltFromStates(bench, databaseLog(), quick ? 500 : 100_000),
      mongoFloor(bench, quick ? 500 : 100_000),
      await rebuiltFromEvents(bench, quick ? 500 : 10_000),
    ]),
};

/** The same for rows, which are never fetched again for a rebuild. */
export const rowRebuild: Scenario = {
  name: 'row-rebuild',
  title: 'An empty mirror rebuilt: 100,000 rows from the state log',
  figures,
  targets: [{ figure: 'documents', of: fromStates, against: mongoFloorName, bound: 'at least', value: 0.7 }],
  prepare: (stack, quick) =>
    prepareWithStub(
      stack,
      'row-rebuild',
      async (bench) => {
        const rows = quick ? 1_000 : 100_000;
        return [await rebuiltFromStates(bench, rowLog(rows), rows), mongoFloor(bench, rows, 'rows')];
      },
      { tenants: 1, variables: withRows },
    ),
};

/** A state log, and what its values are about. */
interface StateLog<Content> {
  readonly contract: StateContract<Content>;
  readonly collection: 'database_records' | 'row_records';
  /** Of rows: how they were last seen. */
  readonly sight: Pick<LiveState<Content>, 'seenBy'>;
  readonly valueOf: (n: number) => { readonly id: string; readonly tenant: string; readonly content: Content };
}

function databaseLog(): StateLog<DatabaseContent> {
  return {
    contract: databaseStates,
    collection: 'database_records',
    sight: {},
    valueOf: (n) => {
      const id = newDatabaseId();
      return { id, tenant: `tenant-${n % 500}`, content: answeredContent(id) };
    },
  };
}

/** All of one table. */
function rowLog(rows: number): StateLog<RowContent> {
  const { dataSourceId } = newTable(rows);
  return {
    contract: rowStates,
    collection: 'row_records',
    sight: { seenBy: 'query' },
    valueOf: (n) => ({ id: pageIdOf(dataSourceId, n), tenant: 'tenant-0', content: answeredRow(dataSourceId, n) }),
  };
}

/** On logs and in a MongoDB database of its own, so that only the command is at work. */
async function rebuiltFromStates<Content>({ system }: StubSystem, log: StateLog<Content>, documents: number): Promise<Contender> {
  const rebuilt = system.db.client.db(`${system.db.databaseName}_rebuilt`);
  const env = {
    ...system.env,
    MIRROR_TOPIC_PREFIX: `${system.env['MIRROR_TOPIC_PREFIX']}rebuilt.`,
    MIRROR_MONGODB_URI: mongoUriOf(system, rebuilt.databaseName),
  };
  await runMirror(['init'], env);
  await fillStateLog(env, log, documents);
  return {
    name: fromStates,
    async measure() {
      await runMirror(['init'], env);
      const mongod = await mongodPid(system);
      const cost = () => [cpuSecondsOfEndedChildren(), cpuSecondsOf(mongod)] as const;
      const before = cost();
      const began = performance.now();
      await runMirror(['replay', 'run', '--from-states', '--yes'], env);
      const seconds = (performance.now() - began) / 1_000;
      const after = cost();
      const each = (index: 0 | 1) => ((after[index] - before[index]) / documents) * 1e6;
      const written = await rebuilt.collection(log.collection).countDocuments();
      if (written !== documents) throw new Error(`${written} of ${documents} documents were rebuilt`);
      await rebuilt.dropDatabase();
      return { documents: documents / seconds, time: seconds, CPU: each(0), 'CPU of MongoDB': each(1) };
    },
  };
}

/** A value for each document, as the sync-worker appends it. */
async function fillStateLog<Content>(
  env: { readonly MIRROR_TOPIC_PREFIX: string } & Readonly<Record<string, string | undefined>>,
  { contract, sight, valueOf }: StateLog<Content>,
  documents: number,
): Promise<void> {
  const { topic, writerId } = stateLogOf(env.MIRROR_TOPIC_PREFIX, contract);
  const schemaRegistry = { url: String(env['MIRROR_SCHEMA_REGISTRY_URL']), username: null, password: null };
  const brokers = String(env['MIRROR_KAFKA_BROKERS']).split(',');
  const kafka = kafkaOf(brokers);
  const codec = await createStateCodec(schemaRegistry, env.MIRROR_TOPIC_PREFIX, contract);
  const writer = await openStateLogWriter({ kafka, topic, transactionalId: writerId });
  const asOf = new Date();
  const recordOf = (n: number) => {
    const { id, tenant, content } = valueOf(n);
    const about = { ...sight, workspaceId: tenant, id, connectionId: `${tenant}-connection` };
    const lastEvent = { id: `event-${n}`, type: 'database.content_updated', occurredAt: asOf };
    return toStateRecord({ kind: 'live', ...about, rev: 1, asOf, syncedAt: asOf, lastEvent, content }, codec);
  };
  for (let from = 0; from < documents; from += 1_000) {
    await writer.append(Array.from({ length: Math.min(1_000, documents - from) }, (_, n) => recordOf(from + n)));
  }
  await writer.close();
}

/** With a sync-worker that fetches the databases whose events the command appends. */
async function rebuiltFromEvents({ system, backlog }: StubSystem, databases: number): Promise<Contender> {
  const records = system.db.collection('database_records');
  const areThere = async () => (await records.estimatedDocumentCount()) >= databases;
  const mirrored = () => waitUntil(`${databases} databases in the mirror`, areThere, { timeoutMs: patienceMs });
  await backlog.append(databases);
  const worker = await system.start('sync-worker');
  await mirrored();
  await worker.stop();
  return {
    name: 'from events',
    async measure() {
      await records.deleteMany({});
      const fetching = await system.start('sync-worker');
      try {
        const mongod = await mongodPid(system);
        const before = cpuSecondsOf(mongod);
        const began = performance.now();
        await system.mirror('replay', 'run', '--yes');
        await mirrored();
        const seconds = (performance.now() - began) / 1_000;
        const cpuSeconds = cpuSecondsOf(mongod) - before;
        return { documents: databases / seconds, time: seconds, 'CPU of MongoDB': (cpuSeconds / databases) * 1e6 };
      } finally {
        await fetching.stop();
      }
    },
  };
}
