// The least code that does what the ingress does with a webhook: the signature over the raw bytes, JSON, a schema, the tenant, the record's bytes.
// With BENCH_BROKERS it appends the record through plain KafkaJS before it answers; without, it keeps nothing. With BENCH_REPORTS it also does the least that
// an operator needs: a log line, four metrics and the record's headers.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createStablePartitioner } from '@notion-mirror/event-log/stable-partitioner';
import { databaseEventContract } from '@notion-mirror/schemas/contract';
import { Counter, Histogram, Registry } from '@notion-mirror/service-kit/metrics';
import Koa from 'koa';
import { pino } from 'pino';
import { z } from 'zod';
import { kafkaOf } from '../bench-kafka.ts';
import { together } from './together.ts';

const env = z
  .object({
    BENCH_SIGNING_KEY: z.string(),
    /** Workspace by connection, as JSON. */
    BENCH_TENANTS: z.string().transform((text) => z.record(z.string(), z.string()).parse(JSON.parse(text))),
    BENCH_BROKERS: z.string().optional(),
    /** Made here. */
    BENCH_TOPIC: z.string().default('bench'),
    BENCH_REPORTS: z.stringbool().default(false),
  })
  .parse(process.env);
const tenants = new Map(Object.entries(env.BENCH_TENANTS));
const { type: avro } = databaseEventContract().latest;

const envelope = z.object({
  connectionId: z.string(),
  providerConfigKey: z.string(),
  payload: z.object({
    id: z.uuid(),
    timestamp: z.iso.datetime(),
    workspace_id: z.uuid(),
    type: z.string(),
    entity: z.object({ id: z.uuid(), type: z.string() }),
    data: z.object({ parent: z.object({ id: z.uuid(), data_source_id: z.uuid().nullish() }) }),
  }),
});

interface Message {
  readonly key: string;
  readonly value: Buffer;
  readonly headers: Record<string, string>;
}

interface Accepted {
  readonly message: Message;
  /** Fields of its log line. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Null when the signature is wrong. */
function acceptedOf(raw: Buffer, signature: string): Accepted | null {
  const expected = createHmac('sha256', env.BENCH_SIGNING_KEY).update(raw).digest();
  const given = Buffer.from(signature, 'hex');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null;
  const { connectionId, providerConfigKey, payload } = envelope.parse(JSON.parse(raw.toString()));
  const workspaceId = tenants.get(connectionId) ?? '';
  const { entity, data } = payload;
  const isRow = entity.type === 'page';
  const databaseId = isRow ? data.parent.id : entity.id;
  const value = avro.toBuffer({
    eventId: payload.id,
    kind: isRow ? 'row_sync' : 'sync',
    type: payload.type,
    workspaceId,
    connectionId,
    providerConfigKey,
    notionWorkspaceId: payload.workspace_id,
    databaseId,
    dataSourceId: data.parent.data_source_id ?? null,
    pageId: isRow ? entity.id : null,
    occurredAt: Date.parse(payload.timestamp),
    receivedAt: Date.now(),
    origin: 'nango',
  });
  const frame = Buffer.alloc(5);
  frame.writeInt32BE(1, 1);
  const message = {
    key: workspaceId,
    value: Buffer.concat([frame, value]),
    headers: env.BENCH_REPORTS ? headersOf(workspaceId, connectionId, payload) : {},
  };
  const fields = {
    route: 'nango',
    eventId: payload.id,
    type: payload.type,
    workspaceId,
    connectionId,
    databaseId,
    to: 'log',
  };
  return { message, fields };
}

/** As many as the ingress's records have, and as long. */
function headersOf(
  workspaceId: string,
  connectionId: string,
  { id, type, timestamp }: z.infer<typeof envelope>['payload'],
): Message['headers'] {
  return {
    ce_specversion: '1.0',
    ce_id: id,
    ce_type: type,
    ce_source: `/workspaces/${workspaceId}/connections/${connectionId}`,
    ce_time: timestamp,
    'content-type': 'application/avro',
    'mirror-kind': 'sync',
    'mirror-accessible-by': id,
    traceparent: `00-${id.replaceAll('-', '')}-${id.slice(-12)}0000-01`,
  };
}

/** Resolves when it is acknowledged by all in-sync replicas. */
async function appending(brokers: string): Promise<(message: Message) => Promise<void>> {
  const kafka = kafkaOf(brokers.split(','));
  const topic = env.BENCH_TOPIC;
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: 12, replicationFactor: 1 }] });
  await admin.disconnect();
  const producer = kafka.producer({ allowAutoTopicCreation: false, createPartitioner: createStablePartitioner });
  await producer.connect();
  process.once('SIGTERM', () => void producer.disconnect());
  return together((messages) => producer.send({ topic, acks: -1, messages: [...messages] }));
}

/** With the same libraries as the ingress. */
function reporting(): (fields: Accepted['fields'], startedAt: number, appendedIn: number) => void {
  const registers = [new Registry()];
  const about = { help: 'bench', registers };
  const requests = new Counter({ ...about, name: 'requests', labelNames: ['route', 'answer'] });
  const events = new Counter({ ...about, name: 'events', labelNames: ['type', 'outcome'] });
  const appendSeconds = new Histogram({ ...about, name: 'append_seconds', labelNames: ['to'] });
  const requestSeconds = new Histogram({ ...about, name: 'request_seconds', labelNames: ['route'] });
  const file = createWriteStream('/dev/null');
  let lines: string[] = [];
  const write = (line: string) => {
    lines.push(line);
    if (lines.length < 64) return;
    file.write(lines.join(''));
    lines = [];
  };
  const logger = pino({ timestamp: pino.stdTimeFunctions.isoTime }, { write });
  return (fields, startedAt, appendedIn) => {
    requests.inc({ route: 'nango', answer: 'accepted' });
    events.inc({ type: 'database', outcome: 'accepted' });
    appendSeconds.observe({ to: 'log' }, appendedIn / 1_000);
    requestSeconds.observe({ route: 'nango' }, (performance.now() - startedAt) / 1_000);
    logger.info(fields, 'event accepted');
  };
}

const report = env.BENCH_REPORTS ? reporting() : () => {};
const append = env.BENCH_BROKERS === undefined ? async () => {} : await appending(env.BENCH_BROKERS);

/** By hand: `node:stream/consumers` goes by way of a Blob, a tenth of all that a webhook costs here. */
function bodyOf(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.once('end', () => resolve(Buffer.concat(chunks))).once('error', reject);
  });
}

async function answerOf(request: IncomingMessage): Promise<{ readonly code: number; readonly body: object }> {
  const startedAt = performance.now();
  const accepted = acceptedOf(await bodyOf(request), String(request.headers['x-nango-hmac-sha256']));
  if (accepted === null) return { code: 401, body: { error: 'invalid_signature' } };
  const { message, fields } = accepted;
  const appendedAt = performance.now();
  await append(message);
  report(fields, startedAt, performance.now() - appendedAt);
  return { code: 200, body: { status: 'accepted', bytes: message.value.length } };
}

const app = new Koa();
app.use(async (context) => {
  const { code, body } = await answerOf(context.req);
  context.status = code;
  context.body = body;
});
const server = app.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
process.once('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
});
