import type { RequestListener } from 'node:http';
import { gzipSync } from 'node:zlib';
import { createLogger } from '@notion-mirror/service-kit/logger';
import { createMetrics } from '@notion-mirror/service-kit/metrics';
import { tracingOff } from '@notion-mirror/service-kit/tracing/tracing';
import { afterEach, describe, expect, test } from 'vitest';
import type { Answer } from './answers.ts';
import { createApp, maxBodyBytes } from './app.ts';
import { startHttpServer, type HttpServer, type HttpServerOptions } from '@notion-mirror/service-kit/http-server';
import { createIngressMetrics } from './ingress-metrics.ts';
import { createByteBudget, type ByteBudget } from './read-body.ts';
import type { Request } from './receive-webhook.ts';
import { connectRaw, send } from './testing/http-client.ts';

const json = { 'content-type': 'application/json' };
const accepted: Answer = { status: 'accepted', eventId: 'e' };

const running: HttpServer[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()));
});

async function start(
  options: {
    receive?: (request: Request) => Promise<Answer>;
    bodies?: ByteBudget;
    maxHandling?: number;
    server?: Partial<HttpServerOptions>;
  } = {},
) {
  const received: Request[] = [];
  const metrics = createMetrics('test');
  const bodies = options.bodies ?? createByteBudget(64 * maxBodyBytes);
  const app = createApp({
    receive: async (request) => {
      received.push(request);
      return (await options.receive?.(request)) ?? accepted;
    },
    metrics: createIngressMetrics(metrics),
    tracing: tracingOff,
    logger: createLogger({ service: 'test', level: 'silent' }),
    bodies,
    maxHandling: options.maxHandling ?? 100,
  });
  const handle = app.callback();
  const handler: RequestListener = (request, response) => void handle(request, response);
  const server = await startHttpServer({ handler, host: '127.0.0.1', port: 0, finishMs: 2_000, ...options.server });
  running.push(server);
  const counted = async (answer: string): Promise<number> => {
    const { values } = (await metrics.getSingleMetric('notion_mirror_ingress_requests_total')?.get()) ?? { values: [] };
    return values.filter(({ labels }) => labels['answer'] === answer).reduce((sum, { value }) => sum + value, 0);
  };
  return { port: server.port, server, received, bodies, counted };
}

describe('routes and methods', () => {
  test.each([
    ['/webhooks/nango', 'nango'],
    ['/webhooks/nango/', 'nango'],
    ['/webhooks/nango?a=1', 'nango'],
    ['/webhooks/notion', 'notion'],
    ['/webhooks/notion/?x', 'notion'],
    ['http://ingress.example:3000/webhooks/notion?x', 'notion'],
  ])('POST %s is the route %s', async (path, route) => {
    const { port, received } = await start();
    expect(await send(port, path, { body: '{}' })).toMatchObject({ status: 200, json: accepted });
    expect(received.map((request) => request.route)).toEqual([route]);
  });

  test.each([
    '/',
    '/webhooks',
    '/webhooks/',
    '/webhooks/other',
    '/webhooks/nango/x',
    '/WEBHOOKS/NANGO',
    '/livez',
    '/metrics',
    '//webhooks/nango',
    'http://[',
    'http://ingress.example',
    '/?/webhooks/nango',
    '/%77ebhooks/nango',
    '*',
  ])('%s is not found', async (path) => {
    const { port, received } = await start();
    const answer = await send(port, path, { body: '{}', method: path === '*' ? 'OPTIONS' : 'POST' });
    expect(answer).toMatchObject({ status: 404, json: { status: 'refused', reason: 'not_found' } });
    expect(received).toEqual([]);
  });

  test.each(['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'])('%s is not allowed for a webhook', async (method) => {
    const { port } = await start();
    const answer = await send(port, '/webhooks/nango', { method });
    expect(answer).toMatchObject({ status: 405, headers: { allow: 'POST' } });
    expect(answer.json).toEqual(method === 'HEAD' ? null : { status: 'refused', reason: 'method_not_allowed' });
  });

  // Otherwise a stranger would choose the id of our trace, and that we pay for its spans.
  test('the handler gets the body byte for byte, with the signatures, in a trace of its own', async () => {
    const { port, received } = await start();
    const body = Buffer.from([0xff, 0x00, 0x7b, 0xc3, 0x28]);
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const headers = { ...json, 'X-Nango-Hmac-Sha256': 'a', 'X-Notion-Signature': 'b', traceparent, 'x-nango-signature': 'd' };
    await send(port, '/webhooks/notion', { body, headers });
    const trace = expect.stringMatching(/^00-(?!0af7651916cd43dd8448eb211c80319c)[0-9a-f]{32}-(?!b7ad6b7169203331)[0-9a-f]{16}-00$/);
    expect(received).toEqual([{ route: 'notion', raw: body, nangoSignature: 'a', notionSignature: 'b', trace, span: null }]);
  });

  test('a duplicated signature header counts as none', async () => {
    const { port, received } = await start();
    await send(port, '/webhooks/nango', { headers: { ...json, 'x-nango-hmac-sha256': ['a', 'b'] } });
    expect(received[0]?.nangoSignature).toBe('a, b');
  });

  test('responses are JSON', async () => {
    const { port } = await start({ receive: async () => ({ status: 'ignored', reason: 'linked_database' }) });
    const answer = await send(port, '/webhooks/nango', { body: '{}' });
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(answer.text).toBe('{"status":"ignored","reason":"linked_database"}');
  });

  test.each<[Answer, number]>([
    [{ status: 'handled' }, 200],
    [{ status: 'quarantined' }, 200],
    [{ status: 'refused', reason: 'invalid_signature' }, 401],
    [{ status: 'unavailable' }, 503],
  ])('%j is answered with %i', async (answer, status) => {
    const { port, counted } = await start({ receive: async () => answer });
    const response = await send(port, '/webhooks/nango', { body: '{}' });
    expect(response).toMatchObject({ status, json: answer });
    expect(response.headers['retry-after']).toBe(status === 503 ? '5' : undefined);
    expect(await counted(answer.status === 'refused' ? answer.reason : answer.status)).toBe(1);
  });

  test('a bug is a 500 without details', async () => {
    const { port, bodies } = await start({
      receive: async () => {
        throw new Error('secret detail');
      },
    });
    expect(await send(port, '/webhooks/nango', { body: '{}' })).toMatchObject({ status: 500, json: { status: 'error' } });
    expect(bodies.held).toBe(0);
  });
});

describe('content type', () => {
  test.each([
    'application/json',
    'Application/JSON',
    'application/json; charset=utf-8',
    'application/json;charset=UTF-8',
    'application/json; charset="utf-8"',
    'application/json; boundary=x',
  ])('%s is accepted', async (type) => {
    const { port } = await start();
    expect((await send(port, '/webhooks/nango', { headers: { 'content-type': type } })).status).toBe(200);
  });

  test.each([
    undefined,
    '',
    'text/plain',
    'application/jsonp',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/json; charset=utf-16',
    'application/json; charset=latin1',
  ])('%s is refused', async (type) => {
    const { port, received } = await start();
    const answer = await send(port, '/webhooks/nango', { body: '{}', headers: type === undefined ? {} : { 'content-type': type } });
    expect(answer).toMatchObject({ status: 415, json: { status: 'refused', reason: 'unsupported_media_type' } });
    expect(received).toEqual([]);
  });

  test.each(['gzip', 'deflate', 'br', 'zstd', 'gzip, identity'])('a body encoded with %s is refused', async (encoding) => {
    const { port } = await start();
    expect((await send(port, '/webhooks/nango', { body: gzipSync('{}'), headers: { ...json, 'content-encoding': encoding } })).status).toBe(
      415,
    );
  });

  test('the encoding identity is accepted', async () => {
    const { port } = await start();
    expect((await send(port, '/webhooks/nango', { body: '{}', headers: { ...json, 'content-encoding': 'identity' } })).status).toBe(200);
  });
});

describe('size', () => {
  test.each([false, true])('1 MiB is accepted, one byte more is not (chunked: %s)', async (chunked) => {
    const { port, received, bodies } = await start();
    expect((await send(port, '/webhooks/nango', { body: Buffer.alloc(maxBodyBytes, 32), chunked })).status).toBe(200);
    expect(received[0]?.raw.length).toBe(maxBodyBytes);
    expect(await send(port, '/webhooks/nango', { body: Buffer.alloc(maxBodyBytes + 1, 32), chunked })).toMatchObject({
      status: 413,
      json: { status: 'refused', reason: 'too_large' },
    });
    expect(received.length).toBe(1);
    expect(bodies.held).toBe(0);
  });

  test('a body announced as too large is refused before any of it arrives', async () => {
    const { port } = await start();
    const raw = await connectRaw(port);
    raw.socket.write('POST /webhooks/nango HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 99999999999\r\n\r\n');
    await expect.poll(() => raw.received()).toContain('HTTP/1.1 413');
    raw.socket.destroy();
  });

  test('a sender that finishes the body on a non-keep-alive connection reads the response, not a reset', async () => {
    const { port } = await start();
    const raw = await connectRaw(port);
    raw.socket.write(`POST /webhooks/nango HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: ${3 * maxBodyBytes}\r\n\r\n`);
    await expect.poll(() => raw.received()).toMatch(/HTTP\/1.1 413[^]*"too_large"/);
    for (let part = 0; part < 3; part += 1) {
      expect(await new Promise((sent) => raw.socket.write(Buffer.alloc(maxBodyBytes), sent))).toBeFalsy();
    }
    await raw.closed;
    expect(raw.received()).toMatch(/content-length: \d+\r\n/i);
  });

  test('a sender that never finishes the body is cut off', async () => {
    const { port } = await start();
    const raw = await connectRaw(port);
    raw.socket.write('POST /webhooks/nango HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 99999999999\r\n\r\n');
    const chunk = Buffer.alloc(256 * 1024);
    const pour = () => {
      while (!raw.socket.destroyed && raw.socket.write(chunk)) {
        // until its buffer is full
      }
    };
    raw.socket.on('drain', pour);
    pour();
    await raw.closed;
    expect(raw.received()).toContain('HTTP/1.1 413');
  });

  test('the connection can be reused after a refused body', async () => {
    const { port } = await start();
    const raw = await connectRaw(port);
    for (const type of ['text/plain', 'application/json']) {
      raw.socket.write(`POST /webhooks/nango HTTP/1.1\r\nhost: x\r\ncontent-type: ${type}\r\ncontent-length: 2\r\n\r\n{}`);
    }
    await expect.poll(() => raw.received()).toMatch(/HTTP\/1.1 415[^]*HTTP\/1.1 200/);
    raw.socket.destroy();
  });

  test('method, size and content type are checked in this order', async () => {
    const { port } = await start();
    const big = Buffer.alloc(maxBodyBytes + 1, 32);
    expect((await send(port, '/webhooks/nango', { method: 'PUT', body: big, headers: {} })).status).toBe(405);
    expect((await send(port, '/webhooks/nango', { body: big, headers: { 'content-type': 'text/plain' } })).status).toBe(413);
    expect((await send(port, '/webhooks/nango', { body: big.subarray(1), headers: { 'content-type': 'text/plain' } })).status).toBe(415);
  });
});

describe('overload', () => {
  test('bodies beyond the memory budget get 503 with Retry-After', async () => {
    const { port, bodies, counted } = await start({ bodies: createByteBudget(1000) });
    const slow = await connectRaw(port);
    slow.socket.write(
      `POST /webhooks/nango HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 901\r\n\r\n${' '.repeat(900)}`,
    );
    await expect.poll(() => bodies.held).toBe(900);
    expect(await send(port, '/webhooks/nango', { body: ' '.repeat(200) })).toMatchObject({ status: 503, headers: { 'retry-after': '5' } });
    expect((await send(port, '/webhooks/nango', { body: ' '.repeat(100) })).status).toBe(200);
    slow.socket.destroy();
    await expect.poll(() => bodies.held).toBe(0);
    await expect.poll(() => counted('aborted')).toBe(1);
    expect((await send(port, '/webhooks/nango', { body: ' '.repeat(1000) })).status).toBe(200);
  });

  test('requests beyond the concurrency limit get 503', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { port, received } = await start({
      maxHandling: 2,
      receive: async () => {
        await promise;
        return accepted;
      },
    });
    const waiting = [send(port, '/webhooks/nango', { body: '{}' }), send(port, '/webhooks/nango', { body: '{}' })];
    await expect.poll(() => received.length).toBe(2);
    expect((await send(port, '/webhooks/nango', { body: '{}' })).status).toBe(503);
    resolve();
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200]);
    expect((await send(port, '/webhooks/nango', { body: '{}' })).status).toBe(200);
  });

  test.each([
    ['the head', 'POST /webhooks/nango HTTP/1.1\r\nhost: x\r\n'],
    ['the body', 'POST /webhooks/nango HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{'],
    ['nothing', ''],
  ])('a sender that stops after %s is cut off', async (_what, text) => {
    const { port, bodies } = await start({ server: { headersTimeoutMs: 100, requestTimeoutMs: 200 } });
    const raw = await connectRaw(port);
    raw.socket.write(text);
    await raw.closed;
    await expect.poll(() => bodies.held).toBe(0);
    expect((await send(port, '/webhooks/nango', { body: '{}' })).status).toBe(200);
  });
});

describe('stop', () => {
  test('a request in flight is answered, an idle connection closed, a new one refused', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { port, server, received } = await start({
      receive: async () => {
        await promise;
        return accepted;
      },
    });
    const idle = await connectRaw(port);
    idle.socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    await expect.poll(() => idle.received()).toContain('HTTP/1.1 404');
    const inFlight = await connectRaw(port);
    inFlight.socket.write('POST /webhooks/nango HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}');
    await expect.poll(() => received.length).toBe(1);
    const stopped = server.stop();
    await idle.closed;
    await expect(send(port, '/webhooks/nango', { body: '{}' })).rejects.toThrow('ECONNREFUSED');
    resolve();
    await inFlight.closed;
    await stopped;
    expect(inFlight.received()).toMatch(/HTTP\/1.1 200[^]*connection: close/i);
  });

  test('a sender that uses a kept connection while the server stops gets an answer, which ends it', async () => {
    const { port, server } = await start();
    const kept = await connectRaw(port);
    kept.socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    await expect.poll(() => kept.received()).toContain('HTTP/1.1 404');
    const stopped = server.stop();
    kept.socket.write('POST /webhooks/nango HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}');
    await kept.closed;
    await stopped;
    expect(kept.received()).toMatch(/HTTP\/1.1 404[^]*HTTP\/1.1 200[^]*connection: close/i);
  });

  test('a request that does not finish in time is cut off', async () => {
    const { port, server, received } = await start({
      receive: () => new Promise(() => {}),
      server: { finishMs: 50 },
    });
    const answer = send(port, '/webhooks/nango', { body: '{}' });
    await expect.poll(() => received.length).toBe(1);
    await Promise.all([server.stop(), expect(answer).rejects.toThrow('socket hang up')]);
  });
});
