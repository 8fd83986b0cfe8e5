import { brotliCompressSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { hang, hangInBody, reset, startScriptedServer, truncated, type Reply } from '../test/scripted-server.ts';
import { settled } from '../test/fake-clock.ts';
import { exchange, ExchangeError } from './http-exchange.ts';

const limits = () => ({ deadlineMs: 5_000, signal: new AbortController().signal });
const fine: Reply = { status: 200, body: { ok: true } };

async function failure(promise: Promise<unknown>): Promise<ExchangeError> {
  const error: unknown = await promise.then(
    () => new Error('it should have failed'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof ExchangeError)) throw error;
  return error;
}

describe('exchange', () => {
  it('sends method, headers and body, and returns status, headers and text', async () => {
    await using server = await startScriptedServer(() => ({ status: 418, body: { tea: true }, headers: { 'x-a': 'b' } }));
    const answer = await exchange(
      `${server.url}/x?y=1`,
      { method: 'POST', headers: { authorization: 'Bearer t' }, body: '{"a":1}' },
      limits(),
    );
    expect(answer).toMatchObject({ status: 418, text: '{"tea":true}' });
    expect(answer.headers.get('x-a')).toBe('b');
    expect(server.requests).toMatchObject([{ method: 'POST', path: '/x?y=1', token: 't', body: '{"a":1}' }]);
  });

  it.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
  ])('asks for %s and reads it', async (encoding, compress) => {
    const accepted: unknown[] = [];
    await using server = await startScriptedServer(() => (response) => {
      accepted.push(response.req.headers['accept-encoding']);
      response.writeHead(200, { 'content-encoding': encoding }).end(compress('{"ok":"✓"}'));
    });
    expect(await exchange(server.url, {}, limits())).toMatchObject({ status: 200, text: '{"ok":"✓"}' });
    expect(String(accepted[0]).split(', ')).toContain(encoding);
  });

  it('retries at once when an idle keep-alive socket turns out to be closed', async () => {
    const sockets: (number | undefined)[] = [];
    await using server = await startScriptedServer(() => (response) => {
      sockets.push(response.socket?.remotePort);
      if (sockets.length === 2) return void response.socket?.resetAndDestroy();
      response.end('{}');
    });
    await exchange(server.url, {}, limits());
    await settled();
    expect(await exchange(server.url, {}, limits())).toMatchObject({ status: 200 });
    expect(sockets).toHaveLength(3);
    expect(sockets[1]).toBe(sockets[0]);
    expect(sockets[2]).not.toBe(sockets[0]);
  });

  it('does not retry twice', async () => {
    await using server = await startScriptedServer(() => reset);
    expect(await failure(exchange(server.url, {}, limits()))).toMatchObject({ code: 'reset' });
    expect(server.requests).toHaveLength(2);
  });

  it.each([
    ['before the headers', hang],
    ['in the middle of the body', hangInBody],
  ])('fails at the deadline when the answer hangs %s', async (_, reply) => {
    const closed = Promise.withResolvers<void>();
    await using server = await startScriptedServer(() => (response) => {
      response.on('close', () => closed.resolve());
      if (typeof reply === 'function') reply(response);
    });
    expect(await failure(exchange(server.url, {}, { ...limits(), deadlineMs: 100 }))).toMatchObject({ code: 'deadline' });
    await closed.promise;
    expect(server.requests).toHaveLength(1);
  });

  it('fails without a retry when the body is cut off', async () => {
    await using server = await startScriptedServer(() => truncated);
    expect(await failure(exchange(server.url, {}, limits()))).toMatchObject({ code: 'reset' });
    expect(server.requests).toHaveLength(1);
  });

  it('ends when the caller aborts, before and during the call', async () => {
    const asked = Promise.withResolvers<void>();
    await using server = await startScriptedServer(() => {
      asked.resolve();
      return hang;
    });
    const stop = new AbortController();
    const running = failure(exchange(server.url, {}, { deadlineMs: 5_000, signal: stop.signal }));
    await asked.promise;
    stop.abort();
    expect(await running).toMatchObject({ code: 'aborted' });
    expect(await failure(exchange(server.url, {}, { deadlineMs: 5_000, signal: stop.signal }))).toMatchObject({ code: 'aborted' });
    expect(server.requests).toHaveLength(1);
  });

  it('names the reason when it cannot connect', async () => {
    const server = await startScriptedServer(() => fine);
    await server[Symbol.asyncDispose]();
    expect(await failure(exchange(server.url, {}, limits()))).toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('follows no redirect with the token', async () => {
    await using elsewhere = await startScriptedServer(() => fine);
    await using server = await startScriptedServer(() => ({ status: 302, body: 'moved', headers: { location: elsewhere.url } }));
    expect(await exchange(server.url, { headers: { authorization: 'Bearer t' } }, limits())).toMatchObject({ status: 302 });
    expect(elsewhere.requests).toHaveLength(0);
  });

  it('quotes no header in its errors', async () => {
    const error = await failure(exchange('http://127.0.0.1:1', { headers: { authorization: 'Bearer ntn_secret\nx: y' } }, limits()));
    expect(`${error.message} ${error.code} ${String(error.cause)} ${error.stack}`).not.toContain('ntn_secret');
  });
});
