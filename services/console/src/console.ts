import { join } from 'node:path';
import type { RequestListener } from 'node:http';
import type { ConnectionDirectory } from '@notion-mirror/mirror-store/connection-directory';
import { openDatabasePages } from '@notion-mirror/mirror-store/entities/database-pages';
import { openOutcomePages } from '@notion-mirror/mirror-store/outcome-pages';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import type { OperationContext } from '@notion-mirror/operations/operation-context';
import type { Kafka } from '@notion-mirror/operations/servers';
import type { Config, Environment } from '@notion-mirror/service-kit/config';
import { startHttpServer } from '@notion-mirror/service-kit/http-server';
import type { Logger } from '@notion-mirror/service-kit/logger';
import type { Registry } from '@notion-mirror/service-kit/metrics';
import { version } from '@notion-mirror/service-kit/version';
import { createSessions } from './access/sessions.ts';
import { createGate } from './access/who.ts';
import { createJobRunner } from '@notion-mirror/operations/jobs/job-runner';
import { createCanDo } from './acting/can-do.ts';
import { createPlans } from './acting/plans.ts';
import { createApp } from './app.ts';
import { createConsoleMetrics } from './http/metrics.ts';
import { openPageFiles } from './http/page-files.ts';
import { createLive } from './live/live.ts';
import { followWaitingEvents } from './live/waiting-events.ts';
import { createOverview } from './overview/overview.ts';
import { consoleRoutes } from './routes/routes.ts';
import { createEventViews } from './views/event-lines.ts';
import { createLetterSample } from './views/letter-sample.ts';
import { createTenantLines } from './views/tenant-lines.ts';

export interface ConsoleDependencies {
  readonly config: Config<'console'>;
  readonly env: Environment;
  readonly context: OperationContext;
  readonly mongo: Mongo;
  readonly kafka: Kafka;
  readonly directory: Pick<ConnectionDirectory, 'all' | 'ofWorkspace' | 'tenants'>;
  readonly metrics: Registry;
  readonly logger: Logger;
}

export interface Console {
  readonly port: number;
  readonly hasPage: boolean;
  stop(): Promise<void>;
}

const builtPage = join(import.meta.dirname, '..', 'page', 'dist');
const finishMs = 2_000;

/** Everything between the port and the servers. Rejects when the port is taken. */
export async function startConsole(deps: ConsoleDependencies): Promise<Console> {
  const { config, env, context, mongo, kafka, directory, logger } = deps;
  const { db } = mongo;
  const { redact } = context;
  const content = config.consoleContent === 'on';
  const stopping = new AbortController();
  const page = openPageFiles(config.consolePage ?? builtPage);
  const gate = createGate(config, createSessions(config.consoleSessionKey ?? null));
  const databases = openDatabasePages(db);
  const outcomes = openOutcomePages(db);
  const views = createEventViews({ databases, content, redact, traceUrl: config.traceUrl });
  const lines = createTenantLines(db, redact);
  const overview = createOverview({ context, db, kafka, directory, outcomes, views, lines });
  // Without outcomes an event would wait for ever.
  const hasOutcomes = config.outcomeRetentionMs > 0;
  const live = createLive({
    db,
    views,
    logger,
    followWaiting: hasOutcomes ? (onEvents) => followWaitingEvents(context, kafka, onEvents) : null,
  });
  const letters = createLetterSample(context, db);
  const jobs = createJobRunner({ context, db, ingressUrl: config.consoleIngressUrl ?? null, onEnding: () => letters.forget() });
  const acting = { plans: createPlans(), letters, jobs, canDo: createCanDo(context, db) };
  const shownVersion = page === null || page.build === '' ? version : `${version}+${page.build}`;
  const parts = { config, env, context, db, kafka, directory, databases, outcomes, views, lines, overview, live, gate, content, ...acting };
  const app = createApp({
    routes: consoleRoutes({ ...parts, version: shownVersion }),
    gate,
    origin: config.consoleOrigin ?? null,
    content,
    page,
    version: shownVersion,
    metrics: createConsoleMetrics(deps.metrics),
    logger,
    redact,
    signal: stopping.signal,
  });
  const handle = app.callback();
  const handler: RequestListener = (request, response) => void handle(request, response);
  const server = await startHttpServer({ handler, ...config.consoleHttp, finishMs }).catch(async (error: unknown) => {
    await jobs.close();
    throw error;
  });
  return {
    port: server.port,
    hasPage: page !== null,
    async stop() {
      stopping.abort(new Error('the console stops'));
      await Promise.all([server.stop(), live.close(), jobs.close()]);
    },
  };
}
