import { Router } from '@koa/router';
import type { Context, Middleware } from 'koa';
import { z } from 'zod';
import { NangoError } from './errors.ts';
import type { NangoConnection } from './connections.ts';
import { fullConnection, listedConnection } from './connections.ts';
import type { NangoEnvironment } from './environment.ts';
import type { NangoSettings } from './settings.ts';

const flag = z.enum(['true', 'false']).transform((text) => text === 'true');
const key = z.string().min(1).max(255);
const getQuery = z.strictObject({ provider_config_key: key, force_refresh: flag.optional(), refresh_token: flag.optional() });
const deleteQuery = z.strictObject({ provider_config_key: key });
const listQuery = z
  .object({
    connectionId: z.string().optional(),
    search: z.string().optional(),
    limit: z.coerce.number().int().min(1).max(1000).optional(),
    page: z.coerce.number().int().min(0).optional(),
  })
  .catchall(z.string());

/** Get, list and delete connections, with the deprecated alias `/connection`. Every call needs the API key. */
export function connectionsApi({
  environment,
  settings,
  now,
  onDeleted,
}: {
  environment: NangoEnvironment;
  settings: NangoSettings;
  now: () => number;
  onDeleted: (connection: NangoConnection) => void;
}): Router {
  const router = new Router();
  router.use(
    ['/connections', '/connection'],
    authorized(environment),
    limited(() => settings.current().apiLimitPerMinute, now),
  );
  const providerOf = (connection: NangoConnection) => environment.integrations.get(connection.providerConfigKey)?.provider ?? 'notion';

  router.get(['/connections/:connectionId', '/connection/:connectionId'], (ctx) => {
    const query = queryOf(ctx, getQuery);
    const connection = connectionOf(environment, param(ctx), query.provider_config_key);
    const withCredentials = settings.current().apiKeyReadsCredentials;
    refresh(connection, query.force_refresh ?? false, now, () =>
      fullConnection(connection, providerOf(connection), { withCredentials: false, withRefreshToken: false }),
    );
    connection.lastFetchedAt = now();
    ctx.body = fullConnection(connection, providerOf(connection), { withCredentials, withRefreshToken: query.refresh_token ?? false });
  });

  router.get(['/connections', '/connection'], (ctx) => {
    const { connectionId, search, limit = 1000, page = 0, ...rest } = queryOf(ctx, listQuery);
    const tags = tagFilter(rest);
    const matching = [...environment.connections.values()].filter(
      (connection) =>
        (connectionId === undefined || connection.connectionId === connectionId) &&
        (search === undefined || connection.connectionId.includes(search)) &&
        tags.every(([name, value]) => connection.tags[name] === value),
    );
    ctx.body = {
      connections: matching
        .slice(page * limit, (page + 1) * limit)
        .map((connection) => listedConnection(connection, providerOf(connection))),
    };
  });

  router.delete(['/connections/:connectionId', '/connection/:connectionId'], (ctx) => {
    const connection = connectionOf(environment, param(ctx), queryOf(ctx, deleteQuery).provider_config_key);
    environment.connections.delete(connection.connectionId);
    onDeleted(connection);
    ctx.body = { success: true };
  });
  return router;
}

function authorized(environment: NangoEnvironment): Middleware {
  return (ctx, next) => {
    const header = ctx.get('authorization');
    if (header === '')
      throw new NangoError(401, 'missing_auth_header', 'Authentication failed. The request is missing the Authorization header.');
    const given = header.split('Bearer ').pop();
    if (given === undefined || given === '' || !header.startsWith('Bearer ')) {
      throw new NangoError(401, 'malformed_auth_header', 'Authentication failed. The Authorization header is malformed.');
    }
    if (given !== environment.apiKey)
      throw new NangoError(
        401,
        'unknown_user_account',
        'Authentication failed. The provided secret/public key does not match any account.',
      );
    return next();
  };
}

/** A fixed one-minute window, with the headers that Nango sends on every response. */
function limited(limitPerMinute: () => number | null, now: () => number): Middleware {
  let window = { start: 0, used: 0 };
  return (ctx, next) => {
    const limit = limitPerMinute();
    if (limit === null) return next();
    if (now() >= window.start + 60_000) window = { start: now(), used: 0 };
    window.used += 1;
    const restMs = window.start + 60_000 - now();
    ctx.set('X-RateLimit-Limit', String(limit));
    ctx.set('X-RateLimit-Remaining', String(Math.max(0, limit - window.used)));
    ctx.set('X-RateLimit-Reset', String(Math.floor((now() + restMs) / 1000)));
    if (window.used <= limit) return next();
    // Rounded down, as in Nango: it can be 0.
    ctx.set('Retry-After', String(Math.floor(restMs / 1000)));
    throw new NangoError(429, 'too_many_request', null, { method: ctx.method, path: ctx.path });
  };
}

function refresh(connection: NangoConnection, isForced: boolean, now: () => number, shown: () => ReturnType<typeof fullConnection>): void {
  if (connection.refresh !== 'works') {
    const status = connection.refresh === 'exhausted' ? 424 : 400;
    throw new NangoError(status, 'invalid_credentials', 'The credentials could not be refreshed.', { payload: { connection: shown() } });
  }
  if (!isForced || connection.tokenAfterRefresh === null) return;
  connection.tokenResponse = { ...connection.tokenResponse, access_token: connection.tokenAfterRefresh };
  connection.tokenAfterRefresh = null;
  connection.updatedAt = now();
}

function connectionOf(environment: NangoEnvironment, connectionId: string, providerConfigKey: string): NangoConnection {
  if (!environment.integrations.has(providerConfigKey)) throw new NangoError(400, 'unknown_provider_config', 'Provider does not exists');
  const connection = environment.connections.get(connectionId);
  if (connection?.providerConfigKey !== providerConfigKey) throw new NangoError(404, 'not_found', 'Failed to find connection');
  return connection;
}

function queryOf<Schema extends z.ZodType>(ctx: Context, schema: Schema): z.output<Schema> {
  const parsed = schema.safeParse({ ...ctx.query });
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.map(({ code, message, path }) => ({ code: code ?? 'custom', message, path: path.map(String) }));
  throw new NangoError(400, 'invalid_query_params', null, { errors });
}

function param(ctx: Context & { params: Record<string, string> }): string {
  return ctx.params['connectionId'] ?? '';
}

/** `tags[team]=a` of a query. */
function tagFilter(query: Readonly<Record<string, string>>): [name: string, value: string][] {
  return Object.entries(query).flatMap(([given, value]): [string, string][] => {
    const name = /^tags\[(.+)\]$/.exec(given)?.[1];
    return name === undefined ? [] : [[name, value]];
  });
}
