import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { Logger } from '@notion-mirror/service-kit/logger';
import { readTraceparent } from '@notion-mirror/service-kit/tracing/trace-context';
import type { Span, Tracing } from '@notion-mirror/service-kit/tracing/tracing';
import Koa from 'koa';
import { httpStatusOf, refused, retryAfterSeconds, type Answer } from './answers.ts';
import { answerLabel, type IngressMetrics } from './ingress-metrics.ts';
import { answerBeforeEnd, discardRest, readBody, type ByteBudget } from './read-body.ts';
import type { Request } from './receive-webhook.ts';
import type { Route } from './webhook-body.ts';

export interface AppDependencies {
  readonly receive: (request: Request) => Promise<Answer>;
  readonly metrics: IngressMetrics;
  readonly tracing: Tracing;
  readonly logger: Logger;
  /** The memory budget of all bodies together. */
  readonly bodies: ByteBudget;
  /** Maximum concurrent requests; more get 503. */
  readonly maxHandling: number;
}

export const maxBodyBytes = 1024 * 1024;
/** How much of an unwanted body is discarded before its connection is cut. */
const maxDiscardedBytes = 8 * maxBodyBytes;

/** The public HTTP interface: only POST /webhooks/nango and /webhooks/notion. Every response is JSON. */
export function createApp(deps: AppDependencies): Koa {
  const { logger, metrics, tracing, bodies } = deps;
  let handling = 0;

  /** Null: the sender disconnected. The order of the checks is part of the contract: method, size, content type, signature, content. */
  async function answer(
    route: Route | null,
    request: IncomingMessage,
    { trace, span }: Pick<Request, 'trace' | 'span'>,
  ): Promise<Answer | null> {
    if (route === null) return refused('not_found');
    if (request.method !== 'POST') return refused('method_not_allowed');
    if (Number(request.headers['content-length'] ?? 0) > maxBodyBytes) return refused('too_large');
    if (!isPlainJson(request.headers)) return refused('unsupported_media_type');
    const body = await readBody(request, maxBodyBytes, bodies);
    if (body.kind === 'aborted') return null;
    if (body.kind === 'too_large') return refused('too_large');
    if (body.kind === 'no_room') return { status: 'unavailable' };
    span?.event('body read');
    span?.set({ 'http.request.body.size': body.raw.length });
    handling += 1;
    try {
      if (handling > deps.maxHandling) return { status: 'unavailable' };
      return await deps.receive({
        route,
        raw: body.raw,
        nangoSignature: only(request.headers['x-nango-hmac-sha256']),
        notionSignature: only(request.headers['x-notion-signature']),
        trace,
        span,
      });
    } finally {
      handling -= 1;
      bodies.giveBack(body.raw.length);
    }
  }

  const app = new Koa();
  // Koa's own handler prints to the console. These errors are sockets that broke while a response was written.
  app.on('error', (error: unknown) => logger.debug({ err: error }, 'a response could not be delivered'));
  app.use(async (ctx) => {
    const route = routeOf(ctx.req.url ?? '');
    const endTimer = metrics.requestSeconds.startTimer({ route: route ?? 'other' });
    const trace = tracing.newTrace();
    const span = startRequest(tracing, trace, route, ctx.req);
    let result: Answer | null;
    try {
      result = await answer(route, ctx.req, { trace, span });
    } catch (error) {
      logger.error({ err: error, route }, 'unexpected error while handling a request');
      result = { status: 'error' };
    }
    endTimer();
    metrics.requests.inc({ route: route ?? 'other', answer: answerLabel(result) });
    endRequest(span, result);
    if (result === null) {
      ctx.respond = false;
      return;
    }
    ctx.status = httpStatusOf(result);
    if (ctx.status === 405) ctx.set('allow', 'POST');
    if (ctx.status === 503) ctx.set('retry-after', String(retryAfterSeconds));
    const text = JSON.stringify(result);
    ctx.set('content-type', 'application/json; charset=utf-8');
    if (ctx.req.complete) {
      ctx.body = text;
      return;
    }
    ctx.body = Readable.from(answerBeforeEnd(text, discardRest(ctx.req, maxDiscardedBytes)));
    ctx.length = Buffer.byteLength(text);
  });
  return app;
}

/**
 * The span of a request to one of our routes. Anyone may send us a context: it neither becomes the parent of ours nor decides whether ours is sampled, but is
 * linked to.
 */
function startRequest(tracing: Tracing, trace: string, route: Route | null, request: IncomingMessage): Span | null {
  if (route === null || request.method !== 'POST') return null;
  const sender = readTraceparent(request.headers['traceparent']);
  return tracing.root(trace, {
    name: `POST /webhooks/${route}`,
    kind: 'server',
    attributes: { 'http.request.method': 'POST', 'http.route': `/webhooks/${route}` },
    links: sender === undefined ? [] : [{ trace: sender }],
  });
}

function endRequest(span: Span | null, result: Answer | null): void {
  if (span === null) return;
  span.set({ 'notion_mirror.answer': answerLabel(result) });
  if (result === null) return span.end('aborted');
  const status = httpStatusOf(result);
  span.set({ 'http.response.status_code': status });
  span.end(status >= 500 ? String(status) : undefined);
}

/** The route of a path, or of a whole URL, as proxies may send; the query is ignored. */
function routeOf(target: string): Route | null {
  const path = /^(?:https?:\/\/[^/?]*)?([^?]*)/.exec(target)?.[1] ?? '';
  return routes.get(path) ?? null;
}

/** Tolerates a trailing slash, so that it does not lose events: senders do not retry a 4xx. */
const routes: ReadonlyMap<string, Route> = new Map([
  ['/webhooks/nango', 'nango'],
  ['/webhooks/nango/', 'nango'],
  ['/webhooks/notion', 'notion'],
  ['/webhooks/notion/', 'notion'],
]);

/** Uncompressed JSON in UTF-8: the signature covers the bytes as sent, and untrusted archives are not unpacked. */
function isPlainJson(headers: IncomingHttpHeaders): boolean {
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  const [type, ...parameters] = (headers['content-type'] ?? '').split(';').map((part) => part.trim().toLowerCase());
  const charsets = parameters.filter((parameter) => parameter.startsWith('charset='));
  return encoding === 'identity' && type === 'application/json' && charsets.every((charset) => /^charset=(utf-?8|"utf-?8")$/.test(charset));
}

/** Node joins a duplicated header into one string, which is then not a valid signature. */
function only(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : undefined;
}
