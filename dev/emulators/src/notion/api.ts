import { Router } from '@koa/router';
import type Koa from 'koa';
import type { Context, Middleware } from 'koa';
import { z } from 'zod';
import { readBody } from '../http/body.ts';
import type { CallCounters } from '../http/call-counters.ts';
import type { AnsweredFault } from '../http/fault-middleware.ts';
import { faultMiddleware } from '../http/fault-middleware.ts';
import type { FaultKit, RequestFacts } from '../http/faults.ts';
import { NotionError, rateLimited, validationError } from './errors.ts';
import { parseId } from './ids.ts';
import type { Actor } from './model.ts';
import type { RateLimiter } from './rate-limit.ts';
import type { ApiRoute } from './request.ts';
import type { World } from './world.ts';

const versions = ['2021-05-11', '2021-05-13', '2021-08-16', '2022-02-22', '2022-06-28', '2025-09-03', '2026-03-11'];
const bodyLimitBytes = 500 * 1024;

/** Mounts the REST API under `/v1`, with errors, counters, faults, token, version and rate limit around the routes. */
export function mountRestApi({
  app,
  world,
  routes,
  faults,
  calls,
  limiter,
  stopped,
}: {
  app: Koa;
  world: World;
  routes: readonly ApiRoute[];
  faults: FaultKit;
  calls: CallCounters;
  limiter: RateLimiter;
  stopped: AbortSignal;
}): void {
  const factsOf = (ctx: Context) => {
    const token = bearerToken(ctx);
    const workspaceId = token === null ? null : (world.actorOf(token)?.workspaceId ?? null);
    return { token, workspaceId, method: ctx.method, path: ctx.path, paging: pagingOf(ctx) };
  };

  const counted: Middleware = async (ctx, next) => {
    const done = calls.begin({ at: world.now(), token: bearerToken(ctx), method: ctx.method, path: ctx.path });
    await next();
    done(ctx.respond === false && !ctx.res.headersSent ? 'reset' : ctx.status);
  };

  const answered: Middleware = async (ctx, next) => {
    const requestId = world.answers.uuid();
    ctx.set('x-notion-request-id', requestId);
    ctx.type = 'application/json; charset=utf-8';
    try {
      await next();
    } catch (error) {
      if (!(error instanceof NotionError)) throw error;
      answerError(ctx, error, requestId);
    }
  };

  const router = new Router();
  for (const route of routes) {
    router.register(route.path, [route.method], async (ctx: Context & { params: Record<string, string> }) => {
      const token = bearerToken(ctx) ?? '';
      const actor = world.actorOf(token);
      if (actor === undefined) throw new NotionError(401, 'unauthorized', 'API token is invalid.');
      const version = requestedVersion(ctx);
      takeFromBudget(limiter, actor, token);
      if (version < (route.since ?? '')) throw new NotionError(400, 'invalid_request_url', 'Invalid request URL.');
      const id = pathId(route, ctx.params['id']);
      const answer = route.run({
        actor,
        version,
        id,
        property: ctx.params['property'] ?? '',
        query: ctx.URL.searchParams,
        body: jsonBody(ctx),
      });
      ctx.body = { ...answer, request_id: ctx.response.get('x-notion-request-id') };
    });
  }

  // `answered` twice: around the routes, so that an error response can be truncated too, and around the faults, for their own errors.
  app
    .use(counted)
    .use(answered)
    .use(received)
    .use(faultMiddleware({ faults, factsOf, answer: answerFault, stopped }))
    .use(answered);
  app.use(router.routes()).use(unknownPath);
}

/** Reads the body before the faults, which match on it too. */
const received: Middleware = async (ctx, next) => {
  ctx.state['received'] = await readBody(ctx.req, bodyLimitBytes);
  await next();
};

function unknownPath(): never {
  throw new NotionError(400, 'invalid_request_url', 'Invalid request URL.');
}

function answerError(ctx: Context, error: NotionError, requestId: string): void {
  ctx.status = error.status;
  ctx.set(error.headers);
  ctx.body = error.toJson(requestId);
}

function bearerToken(ctx: Context): string | null {
  return /^Bearer (.+)$/i.exec(ctx.get('authorization'))?.[1] ?? null;
}

function requestedVersion(ctx: Context): string {
  const given = ctx.get('notion-version');
  if (versions.includes(given)) return given;
  const complaint =
    given === ''
      ? 'should be defined, instead was `undefined`'
      : `should be ${versions.map((version) => `\`"${version}"\``).join(' or ')}, instead was \`"${given}"\``;
  throw new NotionError(400, 'missing_version', `Notion-Version header failed validation: Notion-Version header ${complaint}.`);
}

function takeFromBudget(limiter: RateLimiter, actor: Actor, token: string): void {
  if (actor.kind === 'person') return;
  const verdict = limiter.take(token, actor.workspaceId);
  if (verdict.kind === 'limited') throw rateLimited(verdict.reason, verdict.retryAfterSeconds);
}

function pathId(route: ApiRoute, given: string | undefined): string {
  if (route.idName === undefined) return '';
  const id = parseId(given ?? '');
  if (id === null)
    throw validationError(`path failed validation: path.${route.idName} should be a valid uuid, instead was \`"${given ?? ''}"\`.`);
  return id;
}

const listRequest = z.object({ start_cursor: z.string().nullish(), page_size: z.number().optional() });

/** The paging parameters of a list POST: search and query. */
function pagingOf(ctx: Context): RequestFacts['paging'] {
  if (ctx.method !== 'POST') return undefined;
  try {
    const { start_cursor: cursor, page_size: pageSize = 100 } = listRequest.parse(jsonBody(ctx) ?? {});
    return { cursor: cursor ?? null, pageSize };
  } catch {
    return undefined;
  }
}

function jsonBody(ctx: Context): unknown {
  const body = ctx.state['received'] as Awaited<ReturnType<typeof readBody>>;
  if (body.kind === 'too_large') throw validationError('The request body is larger than 500 KB.');
  if (body.bytes.length === 0) return null;
  try {
    return JSON.parse(body.bytes.toString('utf8'));
  } catch {
    throw new NotionError(400, 'invalid_json', 'Error parsing JSON body.');
  }
}

function answerFault(ctx: Context, fault: AnsweredFault): void {
  if (fault.kind === 'bad_gateway') {
    ctx.status = 502;
    ctx.type = 'text/html';
    ctx.body = '<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>';
    return;
  }
  throw faultError(fault, fault.kind);
}

function faultError(fault: AnsweredFault, kind: Exclude<AnsweredFault['kind'], 'bad_gateway'>): NotionError {
  const headers: Record<string, string> = fault.retryAfterSeconds === undefined ? {} : { 'Retry-After': String(fault.retryAfterSeconds) };
  switch (kind) {
    case 'rate_limited':
      return rateLimited(fault.rateLimitReason ?? 'public_api_request_rate_limit', fault.retryAfterSeconds ?? 1);
    case 'request_blocked':
      return new NotionError(429, 'rate_limited', 'This request has been blocked.', {
        additionalData: { rate_limit_reason: 'public_api_request_blocked' },
        headers,
      });
    case 'service_overload':
      return new NotionError(529, 'service_overload', 'Notion is overloaded. Please try again later.', { headers });
    case 'service_unavailable':
      return new NotionError(503, 'service_unavailable', 'Notion is currently unavailable. Please try again later.', { headers });
    case 'internal_server_error':
      return new NotionError(500, 'internal_server_error', 'Unexpected error occurred.', { headers });
    case 'gateway_timeout':
      return new NotionError(504, 'gateway_timeout', 'Notion timed out. Please try again later.', { headers });
    case 'conflict_error':
      return new NotionError(409, 'conflict_error', 'Conflict occurred while saving. Please try again.', { headers });
    case 'restricted_resource':
      return new NotionError(403, 'restricted_resource', 'Insufficient permissions for this endpoint.');
    case 'unauthorized':
      return new NotionError(401, 'unauthorized', 'API token is invalid.');
  }
}
