// The least code that does what the ingress does with a webhook but for keeping it: the signature over the raw bytes, JSON, a schema, the tenant,
// the record's bytes. No metrics, no log. BENCH_SERVER: `koa` or `node`, what it stands on.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { databaseEventContract } from '@notion-mirror/schemas/contract';
import Koa from 'koa';
import { z } from 'zod';

const env = z
  .object({
    BENCH_SIGNING_KEY: z.string(),
    BENCH_SERVER: z.enum(['koa', 'node']),
    /** Workspace by connection, as JSON. */
    BENCH_TENANTS: z.string().transform((text) => z.record(z.string(), z.string()).parse(JSON.parse(text))),
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
  }),
});

/** Null: the signature does not fit. */
function recordOf(raw: Buffer, signature: string): Buffer | null {
  const expected = createHmac('sha256', env.BENCH_SIGNING_KEY).update(raw).digest();
  const given = Buffer.from(signature, 'hex');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null;
  const { connectionId, providerConfigKey, payload } = envelope.parse(JSON.parse(raw.toString()));
  const value = avro.toBuffer({
    eventId: payload.id,
    kind: 'sync',
    type: payload.type,
    workspaceId: tenants.get(connectionId) ?? '',
    connectionId,
    providerConfigKey,
    notionWorkspaceId: payload.workspace_id,
    databaseId: payload.entity.id,
    dataSourceId: null,
    occurredAt: Date.parse(payload.timestamp),
    receivedAt: Date.now(),
    origin: 'nango',
  });
  const frame = Buffer.alloc(5);
  frame.writeInt32BE(1, 1);
  return Buffer.concat([frame, value]);
}

async function answerOf(request: IncomingMessage): Promise<{ readonly code: number; readonly body: object }> {
  const record = recordOf(await buffer(request), String(request.headers['x-nango-hmac-sha256']));
  return record === null
    ? { code: 401, body: { error: 'invalid_signature' } }
    : { code: 200, body: { status: 'accepted', bytes: record.length } };
}

async function plain(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { code, body } = await answerOf(request);
  const text = JSON.stringify(body);
  response.writeHead(code, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }).end(text);
}

const app = new Koa();
app.use(async (context) => {
  const { code, body } = await answerOf(context.req);
  context.status = code;
  context.body = body;
});
const onKoa = app.callback();
const server = createServer((request, response) => void (env.BENCH_SERVER === 'koa' ? onKoa : plain)(request, response));
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
process.once('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
});
