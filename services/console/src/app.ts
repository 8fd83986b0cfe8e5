import { Router } from '@koa/router';
import type { Logger } from '@notion-mirror/service-kit/logger';
import Koa, { type Context } from 'koa';
import { refusalOf } from './access/request-origin.ts';
import { sessionSeconds } from './access/sessions.ts';
import type { Gate, Identity } from './access/who.ts';
import { eventStream } from './http/event-stream.ts';
import type { ConsoleMetrics } from './http/metrics.ts';
import type { PageFiles } from './http/page-files.ts';
import { readJson } from './http/read-json.ts';
import { refusalOfError } from './http/refusal-of-error.ts';
import { Refusal, type RawInput, type Route, type RouteRequest } from './http/route.ts';
import { securityHeaders } from './http/security-headers.ts';

export interface AppParts {
  readonly routes: readonly Route[];
  readonly gate: Gate;
  /** Where browsers find the console; null: on this machine. */
  readonly origin: string | null;
  /** Whether customers' texts are shown. */
  readonly content: boolean;
  /** Null: it is not built. */
  readonly page: PageFiles | null;
  readonly version: string;
  readonly metrics: ConsoleMetrics;
  readonly logger: Logger;
  readonly redact: (text: string) => string;
  /** Aborts when the console stops. */
  readonly signal: AbortSignal;
}

const pageIsMissing =
  'The page of the console is not built. `node services/console/page/build.ts` builds it; MIRROR_CONSOLE_PAGE names another folder. The API works without it: /api/status.\n';

/** The console's whole HTTP interface: the API below /api, and the page for every other address. */
export function createApp(parts: AppParts): Koa {
  const { gate, logger, metrics, origin, page, redact } = parts;
  const sessionCookie = origin?.startsWith('https:') === true ? '__Host-mirror-console' : 'mirror-console';
  const app = new Koa();
  // Koa's own handler prints to the console. These errors are sockets that broke while an answer was written.
  app.on('error', (error: unknown) => logger.debug({ err: error }, 'an answer could not be delivered'));

  app.use(async (ctx, next) => {
    const endTimer = metrics.requestSeconds.startTimer();
    ctx.set(securityHeaders(null));
    try {
      await next();
    } catch (error) {
      refuse(ctx, error);
    }
    const route = ctx.path.startsWith('/api/') ? String(ctx['_matchedRoute'] ?? 'unknown') : 'page';
    metrics.requests.inc({ route, status: String(ctx.status) });
    if (ctx.type !== 'text/event-stream') endTimer({ route });
  });

  app.use(async (ctx, next) => {
    const isBearer = gate.access === 'tokens' && /^bearer /i.test(ctx.get('authorization'));
    const head = { method: ctx.method, path: ctx.path, host: ctx.get('host'), header: (name: string) => ctx.get(name) };
    const refusal = refusalOf(head, { origin, isBearer });
    if (refusal === 'wrong_host') {
      throw new Refusal(
        403,
        refusal,
        'The console is not known by this host name.',
        'set MIRROR_CONSOLE_ORIGIN to the address in the browser',
      );
    }
    if (refusal === 'cross_site') throw new Refusal(403, refusal, 'The request comes from another site.');
    await next();
  });

  const router = new Router();
  for (const route of parts.routes) {
    router.register(route.path, [route.method], async (ctx) => {
      const who = gate.identify({ header: (name) => ctx.get(name), cookie: ctx.cookies.get(sessionCookie) });
      checkMay(route, who);
      const input = await inputOf(ctx, route);
      const request = requestOf(ctx, who);
      ctx.set('cache-control', 'no-store');
      ctx.set('x-console-version', parts.version);
      if (route.kind === 'answer') {
        const answer = await route.answer(input, request);
        ctx.type = 'application/json';
        ctx.body = JSON.stringify(answer);
        return;
      }
      ctx.type = 'text/event-stream';
      ctx.set('x-accel-buffering', 'no');
      metrics.streams.inc();
      ctx.res.once('close', () => metrics.streams.dec());
      ctx.body = eventStream(route.stream(input, request), (error) => {
        if (request.signal.aborted) return null;
        return { event: 'failed', data: answerTo(error, route.path).answer };
      });
    });
  }
  app.use(router.routes());

  app.use((ctx) => {
    if (ctx.path.startsWith('/api/') || ctx.path === '/api') throw new Refusal(404, 'not_found', 'There is no such route.');
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') throw new Refusal(405, 'bad_request', 'Pages are only read.');
    if (page === null) {
      ctx.status = 503;
      ctx.type = 'text/plain';
      ctx.body = pageIsMissing;
      return;
    }
    if (isFile(ctx.path)) {
      ctx.respond = false;
      ctx.res.statusCode = 200;
      page.serve(ctx.req, ctx.res, () => {
        ctx.res.statusCode = 404;
        ctx.res.end();
      });
      return;
    }
    const { html, nonce } = page.document();
    ctx.set(securityHeaders(nonce));
    ctx.set('cache-control', 'no-cache');
    ctx.type = 'text/html';
    ctx.body = html;
  });
  return app;

  function checkMay(route: Route, who: Identity | null): void {
    if (route.role === 'anyone') return;
    if (who === null) {
      if (gate.access === 'proxy') {
        const remedy = 'the proxy must send its secret, the name of the user, and a group that may use the console';
        throw new Refusal(401, 'sign_in_at_proxy', 'The proxy in front of the console has not signed you in.', remedy);
      }
      throw new Refusal(401, 'sign_in_with_token', 'Sign in with a token.', 'mirror console token <name> makes one');
    }
    if (route.role === 'operator' && who.role !== 'operator') {
      throw new Refusal(403, 'needs_operator', 'You may look, and not act: this needs the role operator.');
    }
    if (route.needsContent === true && !parts.content) {
      throw new Refusal(403, 'content_hidden', "This console does not show customers' content.", 'MIRROR_CONSOLE_CONTENT=on shows it');
    }
  }

  function requestOf(ctx: Context, who: Identity | null): RouteRequest {
    const gone = new AbortController();
    ctx.res.once('close', () => gone.abort(new Error('the browser is gone')));
    return {
      who,
      signal: AbortSignal.any([gone.signal, parts.signal]),
      lastEventId: ctx.get('last-event-id') || null,
      setSession(value) {
        const secure = sessionCookie.startsWith('__Host-') ? '; Secure' : '';
        const age = value === null ? 0 : sessionSeconds;
        ctx.append('set-cookie', `${sessionCookie}=${value ?? ''}; Path=/; Max-Age=${age}; HttpOnly; SameSite=Strict${secure}`);
      },
    };
  }

  function answerTo(error: unknown, path: string): Refusal {
    const known = refusalOfError(error, redact);
    if (known !== null) return known;
    logger.error({ err: error, path }, 'unexpected error while handling a request');
    return new Refusal(500, 'unexpected', 'The console failed unexpectedly. Its log says more.', "the console's log");
  }

  function refuse(ctx: Context, error: unknown): void {
    const { status, answer, retrySeconds } = answerTo(error, String(ctx['_matchedRoute'] ?? 'unknown'));
    ctx.status = status;
    if (retrySeconds !== null) ctx.set('retry-after', String(retrySeconds));
    ctx.set('cache-control', 'no-store');
    ctx.set('x-console-version', parts.version);
    ctx.type = 'application/json';
    ctx.body = JSON.stringify(answer);
  }
}

async function inputOf(ctx: Context, { method }: Route): Promise<RawInput> {
  const params = ctx['params'] as Readonly<Record<string, string>>;
  return { params, query: ctx.query, body: method === 'POST' ? await readJson(ctx.req) : null };
}

/** A file of the page, as opposed to an address that it shows itself. Ids in addresses may hold dots, names of files begin at the top or in assets/. */
function isFile(path: string): boolean {
  return path.startsWith('/assets/') || /^\/[\w-]+\.(ico|png|svg|webmanifest|txt|json)$/.test(path);
}
