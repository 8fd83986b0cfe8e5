import { randomUUID } from 'node:crypto';
import Koa from 'koa';
import type { Context, Middleware } from 'koa';
import type { CallCounters } from '../http/call-counters.ts';
import { createCallCounters } from '../http/call-counters.ts';
import { controlRouter } from '../http/control-api.ts';
import type { AnsweredFault } from '../http/fault-middleware.ts';
import { faultMiddleware } from '../http/fault-middleware.ts';
import type { FaultKit } from '../http/faults.ts';
import { createFaultKit } from '../http/faults.ts';
import { listen, serve } from '../http/listen.ts';
import { createPoster } from '../http/post.ts';
import { createPendingWork } from '../pending-work.ts';
import { createRandom } from '../random.ts';
import { connectionsApi } from './api.ts';
import { authWebhook } from './auth-webhooks.ts';
import { createCircuitBreaker } from './breaker.ts';
import type { NangoControl } from './control.ts';
import { createNangoControl } from './control.ts';
import { nangoControlRoutes } from './control-routes.ts';
import type { NangoEnvironment } from './environment.ts';
import { NangoError } from './errors.ts';
import { createForwarding } from './forwarding.ts';
import { ingressRouter } from './ingress.ts';
import type { NangoSettings, NangoSettingsInput } from './settings.ts';
import { createNangoSettings } from './settings.ts';

export interface NangoEmulatorOptions extends Omit<NangoSettingsInput, 'forwardTo'> {
  /** Default 0: a free one. */
  readonly port?: number | undefined;
  /** Default 127.0.0.1. */
  readonly host?: string | undefined;
  /** Default: random ones, see the emulator's `environment`. */
  readonly apiKey?: string | undefined;
  readonly signingKey?: string | undefined;
  /** Where webhooks go: the primary URL, or the primary and the secondary. Default: none, and nothing is sent. */
  readonly forwardTo?: string | readonly string[] | undefined;
  readonly environmentName?: string | undefined;
  readonly environmentUuid?: string | undefined;
  readonly clock?: (() => number) | undefined;
  readonly seed?: string | number | undefined;
}

export interface NangoEmulator extends NangoControl {
  /** The base of Nango's API. */
  readonly url: string;
  readonly port: number;
  /** Where Notion sends its webhooks for this integration. Default `notion`. */
  webhookUrl(providerConfigKey?: string): string;
  /** Its current keys; `createConnection` and the other functions change it. */
  readonly environment: Readonly<Pick<NangoEnvironment, 'uuid' | 'name' | 'apiKey' | 'signingKey'>>;
  readonly settings: NangoSettings;
  /** Covers the connections API and the webhook path. */
  readonly faults: FaultKit;
  readonly calls: CallCounters;
  /** Drops webhooks in flight, as a restart of Nango does, and closes. */
  stop(): Promise<void>;
}

/** Starts a Nango emulator: connections API, webhook forwarding, and a control API under `/_control`. */
export async function startNangoEmulator({
  port = 0,
  host = '127.0.0.1',
  apiKey,
  signingKey,
  forwardTo = [],
  environmentName = 'prod',
  environmentUuid,
  clock: now = Date.now,
  seed = randomUUID(),
  ...input
}: NangoEmulatorOptions = {}): Promise<NangoEmulator> {
  const random = createRandom(`nango ${seed}`);
  const settings = createNangoSettings({ ...input, forwardTo: typeof forwardTo === 'string' ? [forwardTo] : [...forwardTo] });
  const stopped = new AbortController();
  const environment: NangoEnvironment = {
    uuid: environmentUuid ?? random.uuid(),
    name: environmentName,
    apiKey: apiKey ?? random.uuid(),
    signingKey: signingKey ?? random.text(40),
    integrations: new Map([['notion', { providerConfigKey: 'notion', provider: 'notion', webhookSecret: null, forwardWebhooks: true }]]),
    connections: new Map(),
    random: random.fork('connections'),
  };

  const pending = createPendingWork();
  const poster = createPoster({ maxConcurrent: 256, maxRedirects: 5 });
  const breaker = createCircuitBreaker(() => {
    const { breaker: times, timeScale } = settings.current().delivery;
    return times === null ? null : { ...times, windowMs: times.windowMs * timeScale, cooldownMs: times.cooldownMs * timeScale };
  }, now);
  const forwarding = createForwarding({
    settings: () => settings.current().delivery,
    signingKey: () => environment.signingKey,
    poster,
    breaker,
    now,
    pending,
  });
  const control = createNangoControl({ environment, settings, forwarding, breaker, pending, now });
  const faults = createFaultKit(random.fork('faults'));
  const calls = createCallCounters();

  const counted: Middleware = async (ctx, next) => {
    const done = calls.begin({ at: now(), token: bearerToken(ctx), method: ctx.method, path: ctx.path });
    await next();
    done(ctx.respond === false && !ctx.res.headersSent ? 'reset' : ctx.status);
  };

  const app = new Koa();
  app.use(controlRouter(nangoControlRoutes({ control, environment, settings, faults, calls })).routes());
  app
    .use(counted)
    .use(errors)
    .use(faultMiddleware({ faults, factsOf, answer: answerFault, stopped: stopped.signal }))
    .use(errors);
  app.use(ingressRouter({ environment, forwarding, urls: () => settings.current().forwardTo }).routes());
  app.use(
    connectionsApi({
      environment,
      settings,
      now,
      onDeleted: (connection) => {
        const webhook = authWebhook({ environment, settings, connection, operation: 'deletion' });
        if (webhook !== null) forwarding.send([webhook]);
      },
    }).routes(),
  );
  const server = await listen(serve(app), { port, host });

  return {
    ...control,
    url: server.url,
    port: server.port,
    webhookUrl: (providerConfigKey = 'notion') => `${server.url}/webhook/${environment.uuid}/${encodeURIComponent(providerConfigKey)}`,
    environment,
    settings,
    faults,
    calls,
    stop: async () => {
      stopped.abort();
      forwarding.stop();
      poster.close();
      await server.close();
    },
  };
}

const errors: Middleware = async (ctx, next) => {
  try {
    await next();
  } catch (error) {
    if (!(error instanceof NangoError)) throw error;
    ctx.status = error.status;
    ctx.body = error.toJson();
  }
};

function factsOf(ctx: Context) {
  return { token: bearerToken(ctx), workspaceId: null, method: ctx.method, path: ctx.path };
}

function bearerToken(ctx: Context): string | null {
  return /^Bearer (.+)$/.exec(ctx.get('authorization'))?.[1] ?? null;
}

const faultStatuses = {
  rate_limited: [429, 'too_many_request'],
  request_blocked: [429, 'too_many_request'],
  service_overload: [529, 'server_error'],
  service_unavailable: [503, 'server_error'],
  internal_server_error: [500, 'server_error'],
  gateway_timeout: [504, 'server_error'],
  conflict_error: [409, 'conflict'],
  restricted_resource: [403, 'forbidden'],
  unauthorized: [401, 'unknown_user_account'],
} as const;

function answerFault(ctx: Context, fault: AnsweredFault): void {
  if (fault.retryAfterSeconds !== undefined) ctx.set('Retry-After', String(fault.retryAfterSeconds));
  if (fault.kind === 'bad_gateway') {
    ctx.status = 502;
    ctx.type = 'text/html';
    ctx.body = '<html><body><h1>502 Bad Gateway</h1></body></html>';
    return;
  }
  const [status, code] = faultStatuses[fault.kind];
  ctx.status = status;
  ctx.body = { error: { code } };
}
