import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { ErrorAnswer } from '../../src/answers/common.ts';
import type { JobAnswer } from '../../src/answers/jobs.ts';
import type { EventLine } from '../../src/answers/events.ts';
import type { StreamedOutcomes, StreamedWaiting } from '../../src/answers/stream.ts';
import { securityHeaders } from '../../src/http/security-headers.ts';
import * as demo from './answers.ts';

/** An answer of each route, by the name that answers.ts gives it. */
type AnswerName = (typeof routes)[number][1] | 'explanation' | 'doctor' | 'replayDiff';

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
  /** The bodies of requests that change something, in order. */
  readonly orders: { readonly request: string; readonly body: unknown }[];
  /** The job is so from now on, and its followers see it. */
  setJob(job: JobAnswer): void;
  /** Refuses the requests with such a path from now on. */
  refuse(path: RegExp, status: number, code: string, message: string): void;
  /** The streams of jobs break, as when the console is killed. */
  breakStreams(): void;
  /** To all who listen to outcomes. */
  stream(some: StreamedOutcomes): void;
  /** To the same: events whose outcomes will come. */
  expect(some: StreamedWaiting): void;
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
  [/^\/history$/, 'work'],
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
  [/^\/sweeps$/, 'sweeps'],
  [/^\/audit$/, 'audit'],
  [/^\/plans$/, 'plan'],
  [/^\/replays\/plan$/, 'replayPlan'],
  [/^\/replays\/[^/]+$/, 'replay'],
  [/^\/plans\/[^/]+\/run$/, 'job'],
  [/^\/jobs\/[^/]+\/(stop|continue)$/, 'job'],
  [/^\/tenants\/[^/]+\/compare$/, 'compared'],
  [/^\/connections\/[^/]+\/(pause|resume)$/, 'statusChange'],
  [/^\/notices\/[^/]+\/admit$/, 'admitted'],
  [/^\/tenants\/[^/]+\/databases\/[^/]+\/fetch$/, 'fetched'],
  [/^\/replays\/[^/]+\/cancel$/, 'cancelled'],
  [/^\/replays\/[^/]+\/switch$/, 'job'],
] as const;

/** Serves the built page as the console does, and recorded answers in place of it. */
export async function startStubServer(changed: Partial<StubAnswers> = {}): Promise<StubServer> {
  const listeners = new Set<ServerResponse>();
  const followers = new Set<ServerResponse>();
  const refusals: (readonly [path: RegExp, status: number, ErrorAnswer])[] = [];
  const waiting = new Set<() => void>();
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://stub');
    if (url.pathname.startsWith('/api/')) void answer(request, response, url);
    else serve(response, url.pathname);
  });
  const recorded: StubAnswers = { ...demo, ...changed };

  async function answer(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const path = url.pathname.slice('/api'.length);
    const { method } = request;
    stub.requests.push(`${method} ${path}${url.search}`);
    if (method !== 'GET') stub.orders.push({ request: `${method} ${path}`, body: await bodyOf(request) });
    response.setHeader('x-console-version', stub.version);
    if (request.method === 'POST' && path === '/session') stub.isSignedOut = false;
    if (request.method === 'DELETE') stub.isSignedOut = true;
    if (stub.isSignedOut) return send(response, 401, failure('sign_in_with_token', 'Sign in with a token.', null));
    if (stub.isFailing && path !== '/me') {
      return send(response, 503, failure('mongodb_unavailable', 'MongoDB does not answer.', 'Is it running? mirror doctor says more.'));
    }
    const refused = refusals.find(([pattern]) => pattern.test(path));
    if (refused !== undefined) return send(response, refused[1], refused[2]);
    if (path === '/stream') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`event: outcomes\ndata: ${JSON.stringify({ events: [], left: 0 } satisfies StreamedOutcomes)}\n\n`);
      listeners.add(response);
      response.on('close', () => listeners.delete(response));
      for (const resolve of waiting) resolve();
      waiting.clear();
      return;
    }
    if (/^\/jobs\/[^/]+\/stream$/.test(path)) return follow(response);
    if (/^\/replays\/[^/]+\/diff$/.test(path)) return streamOnce(response, 'diff', stub.answers.replayDiff);
    if (path === '/doctor') return streamOnce(response, 'checks', stub.answers.doctor);
    if (path.startsWith('/explain/')) return streamOnce(response, 'explanation', stub.answers.explanation);
    const route = routes.find(([pattern]) => pattern.test(path));
    if (route === undefined) return send(response, 404, failure('not_found', `There is no ${path}.`, null));
    send(response, 200, stub.answers[route[1]]);
  }

  function follow(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    followers.add(response);
    response.on('close', () => followers.delete(response));
    tellJob(response);
  }

  function tellJob(response: ServerResponse): void {
    response.write(`event: job\ndata: ${JSON.stringify(stub.answers.job)}\n\n`);
    if (!['stopped', 'done', 'failed'].includes(stub.answers.job.state)) return;
    followers.delete(response);
    response.end('event: done\ndata: {}\n\n');
  }

  const stub: StubServer = {
    url: '',
    answers: recorded,
    isFailing: false,
    isSignedOut: false,
    version: '0.1.0',
    requests: [],
    orders: [],
    setJob(job) {
      stub.answers.job = job;
      for (const follower of followers) tellJob(follower);
    },
    refuse(pattern, status, code, message) {
      refusals.push([pattern, status, failure(code, message, null)]);
    },
    breakStreams() {
      for (const follower of followers) follower.end();
      followers.clear();
    },
    stream(some) {
      for (const listener of listeners) listener.write(`event: outcomes\ndata: ${JSON.stringify(some)}\n\n`);
    },
    expect(some) {
      for (const listener of listeners) listener.write(`event: waiting\ndata: ${JSON.stringify(some)}\n\n`);
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

/** Null: it has none. */
async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const body = await text(request);
  return body === '' ? null : (JSON.parse(body) as unknown);
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
