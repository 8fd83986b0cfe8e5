import type { RequestListener } from 'node:http';
import { createServer, type Server } from 'node:https';
import { readFile } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer as createTlsServer } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { Pair } from './certificates.ts';

export interface FrontDoor {
  /** `https://127.0.0.1:…` */
  readonly url: string;
  readonly port: number;
  /** The requests received, with their identifying headers. */
  readonly requests: readonly { readonly path: string; readonly authorization: string | undefined }[];
  stop(): Promise<void>;
}

export type Door =
  /** Forwards requests with the credentials `user:password` (null: all requests) to `target`; others get 401. */
  | { readonly kind: 'proxy'; readonly target: string; readonly credentials: string | null }
  | { readonly kind: 'answers'; readonly status: number; readonly headers: Readonly<Record<string, string>> };

/** A TLS server like the proxies in front of many registries and APIs. */
export async function openFrontDoor(pair: Pair, door: Door): Promise<FrontDoor> {
  const requests: { path: string; authorization: string | undefined }[] = [];
  const listener: RequestListener = (request, response) => {
    const { authorization } = request.headers;
    const path = request.url ?? '/';
    requests.push({ path, authorization });
    const answer = (status: number, headers: Readonly<Record<string, string>>, body: string | Buffer) =>
      response.writeHead(status, headers).end(body);
    if (door.kind === 'answers') {
      answer(door.status, door.headers, '<html>a page of the proxy</html>');
    } else if (door.credentials !== null && authorization !== `Basic ${Buffer.from(door.credentials).toString('base64')}`) {
      // A careless proxy: it echoes the credentials.
      answer(401, { 'content-type': 'text/html' }, `<html>401: ${authorization ?? 'anonymous'} may not enter</html>`);
    } else {
      pass(`${door.target}${path}`, request.method, request.headers, request).then(
        ({ status, contentType, body }) => answer(status, contentType === null ? {} : { 'content-type': contentType }, body),
        () => answer(502, {}, ''),
      );
    }
  };
  const server = createServer({ key: await readFile(pair.key), cert: await readFile(pair.cert) }, listener);
  const port = await listen(server);
  return { url: `https://127.0.0.1:${port}`, port, requests, stop: () => close(server) };
}

async function pass(
  url: string,
  method: string | undefined,
  {
    host: _host,
    connection: _connection,
    'content-length': _length,
    'transfer-encoding': _encoding,
    ...headers
  }: NodeJS.Dict<string | string[]>,
  body: NodeJS.ReadableStream,
): Promise<{ status: number; contentType: string | null; body: Buffer }> {
  const given = Object.entries(headers).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value] as [string, string]] : []));
  const bytes = await buffer(body);
  const answer = await fetch(url, { method: method ?? 'GET', headers: given, ...(bytes.length === 0 ? {} : { body: bytes }) });
  return { status: answer.status, contentType: answer.headers.get('content-type'), body: Buffer.from(await answer.arrayBuffer()) };
}

/** A server that completes a TLS handshake and nothing more, standing in for Kafka, MongoDB or anything else. */
export async function openBareTls(pair: Pair): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const server = createTlsServer({ key: await readFile(pair.key), cert: await readFile(pair.cert) }, (socket) => {
    socket.on('error', () => {});
  });
  server.on('tlsClientError', () => {});
  const port = await listen(server);
  return { port, stop: () => close(server) };
}

async function listen(server: ReturnType<typeof createTlsServer>): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function close(server: Server | ReturnType<typeof createTlsServer>): Promise<void> {
  if ('closeAllConnections' in server) server.closeAllConnections();
  server.close();
  await Promise.resolve();
}
