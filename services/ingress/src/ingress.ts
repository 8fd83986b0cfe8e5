import type { RequestListener } from 'node:http';
import type { EventCodec } from '@notion-mirror/event-log/event-codec';
import type { Publisher } from '@notion-mirror/event-log/publisher';
import { topicsFor } from '@notion-mirror/event-log/topics';
import type { ConnectionDirectory } from '@notion-mirror/mirror-store/connection-directory';
import type { ConnectionNotices } from '@notion-mirror/mirror-store/connection-notices';
import type { HandshakeStore } from '@notion-mirror/mirror-store/handshake-store';
import type { OutcomeKeeper } from '@notion-mirror/mirror-store/outcome-keeper';
import type { MissedRows } from '@notion-mirror/mirror-store/missed-rows';
import type { RowsReadiness } from '@notion-mirror/mirror-store/rows-readiness';
import type { Spool } from '@notion-mirror/mirror-store/spool';
import { systemClock } from '@notion-mirror/service-kit/async/clock';
import type { Config } from '@notion-mirror/service-kit/config';
import type { Logger } from '@notion-mirror/service-kit/logger';
import type { Registry } from '@notion-mirror/service-kit/metrics';
import type { Tracing } from '@notion-mirror/service-kit/tracing/tracing';
import { createApp, maxBodyBytes } from './app.ts';
import { createAppender } from './append.ts';
import { startHttpServer } from '@notion-mirror/service-kit/http-server';
import { keepIgnoredEvents } from './ignored-events.ts';
import { createIngressMetrics, registerGauges } from './ingress-metrics.ts';
import { createNotionTokens } from './notion-tokens.ts';
import { createNoteConnection } from './note-connection.ts';
import { createNoteMissedRows } from './note-missed-rows.ts';
import { createByteBudget } from './read-body.ts';
import { createReceiver } from './receive-webhook.ts';
import { startSpoolDrainer } from './spool-drainer.ts';
import { createFindConnections } from './tenants.ts';

/**
 * Every wait of a request has its own bound, and together they stay below 2 s: Nango gives up after three attempts, so a 503 must come
 * while it has attempts left.
 */
export const limits = {
  publishMs: 1_000,
  spoolMs: 600,
  handshakeMs: 500,
  noticeMs: 1_000,
  missedRowsMs: 500,
  /** Maximum records waiting for Kafka; more go to the spool. */
  maxPublishing: 5_000,
  maxSpooling: 1_000,
  maxSpoolingBytes: 64 * 1024 * 1024,
  maxHandling: 5_000,
  maxBodyBytesInMemory: 64 * maxBodyBytes,
  finishMs: 3_000,
} as const;

export interface IngressParts {
  readonly config: Pick<Config<'ingress'>, 'http' | 'topicPrefix' | 'nangoSigningKeys' | 'notionVerificationTokens' | 'notionHandshake'>;
  readonly codec: Pick<EventCodec, 'encode'>;
  /** Its deadline is `limits.publishMs`. */
  readonly publisher: Pick<Publisher, 'publish' | 'healthy'>;
  readonly directory: Pick<ConnectionDirectory, 'byId' | 'activeByNotionWorkspace' | 'refresh'>;
  readonly handshakes: HandshakeStore;
  readonly spool: Spool;
  readonly notices: Pick<ConnectionNotices, 'note'>;
  /** Null: rows are off. */
  readonly rows: Pick<RowsReadiness, 'since'> | null;
  readonly missedRows: MissedRows;
  readonly outcomes: Pick<OutcomeKeeper, 'keep'>;
  readonly metrics: Registry;
  readonly tracing: Tracing;
  readonly logger: Logger;
}

export interface Ingress {
  readonly port: number;
  /** Reported by the readiness probe. */
  condition(): { readonly log: 'ok' | 'unavailable'; readonly spoolWaiting: number | null };
  /** Requests in flight are answered first. */
  stopServing(): Promise<void>;
  stopDraining(): Promise<void>;
}

/** Everything between the sockets and the log. Rejects when the port is taken. */
export async function startIngress(parts: IngressParts): Promise<Ingress> {
  const { config, publisher, handshakes, spool, rows, tracing, logger } = parts;
  const metrics = createIngressMetrics(parts.metrics);
  const notionTokens = createNotionTokens({
    configured: config.notionVerificationTokens,
    takesHandshakes: config.notionHandshake === 'first' && config.notionVerificationTokens.length === 0,
    store: handshakes,
    logger,
    deadlineMs: limits.handshakeMs,
  });
  const missedRows = createNoteMissedRows({ missed: parts.missedRows, deadlineMs: limits.missedRowsMs, sleep: systemClock.sleep, logger });
  const bodies = createByteBudget(limits.maxBodyBytesInMemory);
  const receive = createReceiver({
    nangoSigningKeys: config.nangoSigningKeys,
    notionTokens,
    handshakes,
    handshakeDeadlineMs: limits.handshakeMs,
    rowsAreReady: rows === null ? null : () => rows.since() !== null,
    noteMissedRow: () => missedRows.note(),
    findConnections: createFindConnections(parts.directory),
    noteConnection: createNoteConnection({ notices: parts.notices, deadlineMs: limits.noticeMs, metrics, logger }),
    append: createAppender({
      publisher,
      spool,
      metrics,
      logger,
      spoolDeadlineMs: limits.spoolMs,
      maxSpooling: limits.maxSpooling,
      maxSpoolingBytes: limits.maxSpoolingBytes,
    }),
    codec: parts.codec,
    keepIgnored: keepIgnoredEvents(parts.outcomes.keep),
    topics: topicsFor(config.topicPrefix),
    metrics,
    tracing,
    logger,
  });
  const app = createApp({ receive, metrics, tracing, logger, bodies, maxHandling: limits.maxHandling });
  const handle = app.callback();
  const handler: RequestListener = (request, response) => void handle(request, response);
  const server = await startHttpServer({ handler, ...config.http, finishMs: limits.finishMs });
  const drainer = startSpoolDrainer({ publisher, spool, metrics, logger, pauseMs: 1_000, batchSize: 50 });
  registerGauges(parts.metrics, { spoolWaiting: () => drainer.waiting(), bodyBytes: () => bodies.held });
  return {
    port: server.port,
    condition: () => ({ log: publisher.healthy() ? 'ok' : 'unavailable', spoolWaiting: drainer.waiting() }),
    async stopServing() {
      await server.stop();
      await missedRows.stop();
    },
    stopDraining: () => drainer.stop(),
  };
}
