// The reference design that notion-mirror replaces, in one process: a webhook becomes a durable workflow on a queue that is partitioned by tenant,
// one at a time in each partition so that the order is kept, with a step that fetches the database and a step that writes it. Prints its port.
// BENCH_POLLING_MS: how often the queue is looked at; left out, the SDK's own second. BENCH_DEQUEUE=no: webhooks are kept, nothing is run.
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { DBOS } from '@dbos-inc/dbos-sdk';
import { Client, isFullDatabase } from '@notionhq/client';
import Koa from 'koa';
import { MongoClient, MongoServerError } from 'mongodb';
import { z } from 'zod';

const env = z
  .object({
    BENCH_SIGNING_KEY: z.string(),
    BENCH_POSTGRES_URL: z.string(),
    BENCH_MONGODB_URI: z.string(),
    BENCH_NOTION_URL: z.string(),
    BENCH_POLLING_MS: z.coerce.number().optional(),
    BENCH_POOL: z.coerce.number().optional(),
    BENCH_DEQUEUE: z.enum(['yes', 'no']).default('yes'),
    /** Tenant and token by connection, as JSON. */
    BENCH_CONNECTIONS: z
      .string()
      .transform((text) => z.record(z.string(), z.object({ workspaceId: z.string(), token: z.string() })).parse(JSON.parse(text))),
  })
  .parse(process.env);

const envelope = z.object({
  connectionId: z.string(),
  payload: z.object({
    id: z.uuid(),
    timestamp: z.iso.datetime(),
    type: z.string(),
    workspace_id: z.uuid(),
    entity: z.object({ id: z.uuid(), type: z.string() }),
  }),
});

interface Task {
  readonly workspaceId: string;
  readonly connectionId: string;
  readonly databaseId: string;
  readonly eventId: string;
}

const mongo = await new MongoClient(env.BENCH_MONGODB_URI, { writeConcern: { w: 'majority' } }).connect();
const records = mongo.db().collection<{ _id: string; asOf: Date; [field: string]: unknown }>('database_records');
const clients = new Map(
  Object.entries(env.BENCH_CONNECTIONS).map(([connectionId, { token }]) => [
    connectionId,
    new Client({ auth: token, baseUrl: env.BENCH_NOTION_URL, retry: false }),
  ]),
);

async function fetchDatabase({ connectionId, databaseId }: Task) {
  const asOf = Date.now();
  const client = clients.get(connectionId);
  if (client === undefined) throw new Error('an unknown connection');
  const database = await client.databases.retrieve({ database_id: databaseId });
  const sources = isFullDatabase(database) ? database.data_sources : [];
  const dataSources = await Promise.all(sources.map(({ id }) => client.dataSources.retrieve({ data_source_id: id })));
  return { asOf, database, dataSources };
}

async function upsert({ workspaceId, databaseId, eventId }: Task, fetched: Awaited<ReturnType<typeof fetchDatabase>>): Promise<void> {
  const { database, dataSources } = fetched;
  const asOf = new Date(fetched.asOf);
  const document = { workspaceId, databaseId, asOf, content: { database, dataSources }, lastEvent: { id: eventId } };
  try {
    await records.replaceOne({ _id: `${workspaceId} ${databaseId}`, asOf: { $lt: asOf } }, document, { upsert: true });
  } catch (error) {
    // A newer document is there.
    if (!(error instanceof MongoServerError && error.code === 11_000)) throw error;
  }
}

async function sync(task: Task): Promise<void> {
  const fetched = await DBOS.runStep(async () => fetchDatabase(task), { name: 'fetch' });
  await DBOS.runStep(async () => upsert(task, fetched), { name: 'upsert' });
}

const queueName = 'sync';
const workflow = DBOS.registerWorkflow(sync, { name: 'sync' });
DBOS.setConfig({
  name: 'peer',
  systemDatabaseUrl: env.BENCH_POSTGRES_URL,
  logLevel: 'error',
  ...(env.BENCH_POOL !== undefined && { systemDatabasePoolSize: env.BENCH_POOL }),
  ...(env.BENCH_DEQUEUE === 'no' && { listenQueues: ['none'] }),
});
await DBOS.launch();
await DBOS.registerQueue(queueName, {
  partitionConcurrency: 1,
  onConflict: 'always_update',
  ...(env.BENCH_POLLING_MS !== undefined && { minPollingIntervalMs: env.BENCH_POLLING_MS }),
});

function isSigned(raw: Buffer, signature: string): boolean {
  const expected = createHmac('sha256', env.BENCH_SIGNING_KEY).update(raw).digest();
  const given = Buffer.from(signature, 'hex');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

const app = new Koa();
app.use(async (context) => {
  const raw = await buffer(context.req);
  if (!isSigned(raw, String(context.req.headers['x-nango-hmac-sha256']))) {
    context.status = 401;
    return;
  }
  const { connectionId, payload } = envelope.parse(JSON.parse(raw.toString()));
  const connection = env.BENCH_CONNECTIONS[connectionId];
  if (connection === undefined) {
    context.body = { status: 'ignored' };
    return;
  }
  const { workspaceId } = connection;
  const task: Task = { workspaceId, connectionId, databaseId: payload.entity.id, eventId: payload.id };
  // Resolves when the workflow is durable. Each webhook is one of its own: the load of the ingress sends some again, and known ones cost less.
  await DBOS.startWorkflow(workflow, { queueName, enqueueOptions: { queuePartitionKey: workspaceId } })(task);
  context.body = { status: 'accepted', eventId: payload.id };
});
const server = app.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));

// As long as the ingress keeps them: a connection that is closed the moment it is used again would be a webhook that is not accepted.
server.keepAliveTimeout = 75_000;

process.once('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
  void DBOS.shutdown()
    .then(() => mongo.close())
    .finally(() => process.exit(0));
});
