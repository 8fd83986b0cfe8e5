// The least code that does what the sync-worker does with an event: reads it from the log, fetches the row, or the database and its data source, writes the
// document.
// No order, retries, budget or write rule; an offset is committed before its work is done; no metrics, log or outcome. Prints 0 (it has no port) when it has
// joined its group.
import { Agent, get } from 'node:http';
import { json } from 'node:stream/consumers';
import { databaseEventContract } from '@notion-mirror/schemas/contract';
import { MongoClient } from 'mongodb';
import { z } from 'zod';
import { kafkaOf } from '../bench-kafka.ts';
import { together } from './together.ts';

const env = z
  .object({
    BENCH_BROKERS: z.string(),
    BENCH_TOPIC: z.string(),
    BENCH_MONGODB_URI: z.string(),
    BENCH_NOTION_URL: z.string(),
    /** Token by connection, as JSON. */
    BENCH_TOKENS: z.string().transform((text) => z.record(z.string(), z.string()).parse(JSON.parse(text))),
  })
  .parse(process.env);
const tokens = new Map(Object.entries(env.BENCH_TOKENS));
const { type: avro } = databaseEventContract().latest;
/** A zero and the schema's id come before the value. */
const frameBytes = 5;

interface Event {
  readonly eventId: string;
  readonly workspaceId: string;
  readonly connectionId: string;
  readonly databaseId: string;
  readonly pageId: string | null;
}

interface RecordDocument {
  readonly _id: string;
  readonly [field: string]: unknown;
}

const mongo = await new MongoClient(env.BENCH_MONGODB_URI, { writeConcern: { w: 'majority' } }).connect();
const writeDatabase = writing('database_records');
const writeRow = writing('row_records');

function writing(collection: string): (document: RecordDocument) => Promise<void> {
  const records = mongo.db().collection<RecordDocument>(collection);
  return together<RecordDocument>((documents) =>
    records.bulkWrite(
      documents.map(({ _id, ...replacement }) => ({ replaceOne: { filter: { _id }, replacement, upsert: true } })),
      { ordered: false },
    ),
  );
}

const agent = new Agent({ keepAlive: true, maxSockets: 512 });

function ask(kind: 'databases' | 'data_sources' | 'pages', id: string, token: string): Promise<unknown> {
  const headers = { authorization: `Bearer ${token}`, 'notion-version': '2026-03-11' };
  return new Promise((resolve, reject) => {
    get(`${env.BENCH_NOTION_URL}/v1/${kind}/${id}`, { agent, headers }, (response) => resolve(json(response))).once('error', reject);
  });
}

const withSources = z.object({ object: z.literal('database'), data_sources: z.array(z.object({ id: z.string() })) });
/** By database: known sources are fetched at the same time as the database. */
const knownSources = new Map<string, readonly string[]>();

async function mirror({ eventId, workspaceId, connectionId, databaseId, pageId }: Event): Promise<void> {
  const asOf = new Date();
  const token = tokens.get(connectionId) ?? '';
  if (pageId !== null) {
    const content = await ask('pages', pageId, token);
    return writeRow({ _id: `${workspaceId} ${pageId}`, workspaceId, databaseId, pageId, asOf, content, lastEvent: { id: eventId } });
  }
  const sourcesOf = (ids: readonly string[]) => Promise.all(ids.map((id) => ask('data_sources', id, token)));
  const known = knownSources.get(databaseId);
  const [database, early] = await Promise.all([ask('databases', databaseId, token), known && sourcesOf(known)]);
  const ids = withSources.parse(database).data_sources.map(({ id }) => id);
  knownSources.set(databaseId, ids);
  const content = { database, dataSources: early ?? (await sourcesOf(ids)) };
  await writeDatabase({ _id: `${workspaceId} ${databaseId}`, workspaceId, databaseId, asOf, content, lastEvent: { id: eventId } });
}

const consumer = kafkaOf(env.BENCH_BROKERS.split(',')).consumer({ groupId: env.BENCH_TOPIC });
consumer.on('consumer.group_join', () => process.stdout.write('0\n'));
await consumer.connect();
await consumer.subscribe({ topics: [env.BENCH_TOPIC], fromBeginning: true });
await consumer.run({
  async eachBatch({ batch: { messages } }) {
    for (const { value } of messages) if (value !== null) void mirror(avro.fromBuffer(value.subarray(frameBytes)) as Event);
  },
});

process.once('SIGTERM', () => {
  void consumer.disconnect().then(() => mongo.close());
});
