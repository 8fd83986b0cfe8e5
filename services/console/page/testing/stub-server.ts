import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import type { ErrorAnswer } from '../../src/answers/common.ts';
import type { EventLine } from '../../src/answers/events.ts';
import type { StreamedOutcomes } from '../../src/answers/stream.ts';
import { securityHeaders } from '../../src/http/security-headers.ts';
import * as demo from './answers.ts';

/** An answer of each route, by the name that answers.ts gives it. */
type AnswerName = (typeof routes)[number][1] | 'explanation' | 'doctor';

export type StubAnswers = { -readonly [name in AnswerName]: (typeof demo)[name] };

export interface StubServer {
  readonly url: string;
  readonly answers: StubAnswers;
  /** Answers with an error to everything but `me`. */
  isFailing: boolean;
  /** No user is signed in. */
  isSignedOut: boolean;
  version: string;
  /** Paths of all requests to the API, in order. */
  readonly requests: string[];
  /** To all who listen to outcomes. */
  stream(some: StreamedOutcomes): void;
  /** Tells them that something was missed. */
  gap(): void;
  /** Resolves when a page listens. */
  listened(): Promise<void>;
  close(): Promise<void>;
}

const dist = join(import.meta.dirname, '..', 'dist');
const types: Readonly<Record<string, string>> = { '.js': 'text/javascript', '.css': 'text/css' };

const routes = [
  [/^\/me$/, 'me'],
  [/^\/session$/, 'me'],
  [/^\/status$/, 'status'],
  [/^\/find$/, 'found'],
  [/^\/config$/, 'config'],
  [/^\/events$/, 'events'],
  [/^\/events\/[^/]+$/, 'event'],
  [/^\/tenants$/, 'tenants'],
  [/^\/tenants\/[^/]+$/, 'tenant'],
  [/^\/tenants\/[^/]+\/databases$/, 'databases'],
  [/^\/tenants\/[^/]+\/databases\/[^/]+$/, 'database'],
  [/^\/tenants\/[^/]+\/databases\/[^/]+\/rows$/, 'rows'],
  [/^\/tenants\/[^/]+\/databases\/[^/]+\/raw$/, 'raw'],
  [/^\/tenants\/[^/]+\/databases\/[^/]+\/history$/, 'history'],
  [/^\/tenants\/[^/]+\/databases\/[^/]+\/check$/, 'check'],
  [/^\/tenants\/[^/]+\/rows\/[^/]+$/, 'row'],
  [/^\/dead-letters$/, 'deadLetters'],
  [/^\/dead-letters\/letters$/, 'letters'],
  [/^\/dead-letters\/\d+\/\d+$/, 'letter'],
  [/^\/replays$/, 'replays'],
  [/^\/replays\/[^/]+$/, 'replay'],
  [/^\/sweeps$/, 'sweeps'],
  [/^\/audit$/, 'audit'],
] as const;

/** Serves the built page as the console does, and recorded answers in place of it. */
export async function startStubServer(changed: Partial<StubAnswers> = {}): Promise<StubServer> {
  const listeners = new Set<ServerResponse>();
  const waiting = new Set<() => void>();
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://stub');
    if (url.pathname.startsWith('/api/')) answer(request, response, url);
    else serve(response, url.pathname);
  });
  const recorded: StubAnswers = { ...demo, ...changed };

  function answer(request: IncomingMessage, response: ServerResponse, url: URL): void {
    const path = url.pathname.slice('/api'.length);
    stub.requests.push(`${request.method} ${path}${url.search}`);
    response.setHeader('x-console-version', stub.version);
    if (request.method === 'POST' && path === '/session') stub.isSignedOut = false;
    if (request.method === 'DELETE') stub.isSignedOut = true;
    if (stub.isSignedOut) return send(response, 401, failure('sign_in_with_token', 'Sign in with a token.', null));
    if (stub.isFailing && path !== '/me') {
      return send(response, 503, failure('mongodb_unavailable', 'MongoDB does not answer.', 'Is it running? mirror doctor says more.'));
    }
    if (path === '/stream') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.flushHeaders();
      listeners.add(response);
      response.on('close', () => listeners.delete(response));
      for (const resolve of waiting) resolve();
      waiting.clear();
      return;
    }
    if (path === '/doctor') return streamOnce(response, 'checks', stub.answers.doctor);
    if (path.startsWith('/explain/')) return streamOnce(response, 'explanation', stub.answers.explanation);
    const route = routes.find(([pattern]) => pattern.test(path));
    if (route === undefined) return send(response, 404, failure('not_found', `There is no ${path}.`, null));
    send(response, 200, stub.answers[route[1]]);
  }

  const stub: StubServer = {
    url: '',
    answers: recorded,
    isFailing: false,
    isSignedOut: false,
    version: '0.1.0',
    requests: [],
    stream(some) {
      for (const listener of listeners) listener.write(`event: outcomes\ndata: ${JSON.stringify(some)}\n\n`);
    },
    gap() {
      for (const listener of listeners) listener.write('event: gap\ndata: {}\n\n');
    },
    listened: async () => (listeners.size > 0 ? undefined : new Promise((resolve) => void waiting.add(resolve))),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(stub, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

function serve(response: ServerResponse, path: string): void {
  const nonce = randomBytes(16).toString('base64');
  for (const [name, value] of Object.entries(securityHeaders(nonce))) response.setHeader(name, value);
  const file = join(dist, path);
  if (path.startsWith('/assets/') && existsSync(file)) {
    response.setHeader('content-type', types[extname(path)] ?? 'application/octet-stream');
    createReadStream(file).pipe(response);
    return;
  }
  response.setHeader('content-type', 'text/html; charset=utf-8');
  response.end(readFileSync(join(dist, 'index.html'), 'utf8').replaceAll('__NONCE__', nonce));
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

function streamOnce(response: ServerResponse, name: string, data: unknown): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.end(`event: ${name}\ndata: ${JSON.stringify(data)}\n\nevent: done\ndata: {}\n\n`);
}

function failure(code: string, message: string, remedy: string | null): ErrorAnswer {
  return { error: { code, message, remedy } };
}

/** Outcomes as they arrive. */
export function arriving(from: number, many: number): readonly EventLine[] {
  return Array.from({ length: many }, (_, n) => demo.eventLine(from + n, { title: `Arrived ${from + n}` }));
}
