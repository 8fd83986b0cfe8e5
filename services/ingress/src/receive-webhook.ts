import { isRowKind } from '@notion-mirror/domain/database-event';
import type { EventCodec } from '@notion-mirror/event-log/event-codec';
import { toRecord, type OutgoingRecord } from '@notion-mirror/event-log/event-record';
import { startSend } from '@notion-mirror/event-log/send-event';
import type { Topics } from '@notion-mirror/event-log/topics';
import type { HandshakeStore } from '@notion-mirror/mirror-store/handshake-store';
import type { Logger } from '@notion-mirror/service-kit/logger';
import { traceFieldsOf } from '@notion-mirror/service-kit/tracing/trace-context';
import type { Span, Tracing } from '@notion-mirror/service-kit/tracing/tracing';
import { ignored, refused, type Answer } from './answers.ts';
import type { AppendResult } from './append.ts';
import { databaseEventOf } from './database-events.ts';
import { withDeadline } from '@notion-mirror/service-kit/async/deadline';
import { eventTypeLabel, type IngressMetrics } from './ingress-metrics.ts';
import type { IgnoredEvent } from './ignored-events.ts';
import type { HandshakeOutcome, NotionTokens, Verdict } from './notion-tokens.ts';
import { occasionally } from './occasionally.ts';
import { quarantinedRecord } from './quarantine.ts';
import { isSignedByNango, isSignedByNotion } from '@notion-mirror/service-kit/webhook-signatures';
import type { NoteConnection } from './note-connection.ts';
import type { FindConnections } from './tenants.ts';
import { readWebhook, type ConnectionName, type DatabaseNotice, type Route, type Webhook } from './webhook-body.ts';

/** A webhook as received; nothing in it is trusted yet. */
export interface Request {
  readonly route: Route;
  readonly raw: Buffer;
  /** `X-Nango-Hmac-Sha256`. */
  readonly nangoSignature: string | undefined;
  /** `X-Notion-Signature`. Nango passes it on too, but it covers other bytes than ours, so it is checked only on Notion's route. */
  readonly notionSignature: string | undefined;
  /** The context of the request, in a trace of its own: a sender decides neither its id nor whether it is sampled. */
  readonly trace: string;
  readonly span: Span | null;
}

export interface ReceiveDependencies {
  readonly nangoSigningKeys: readonly string[];
  readonly notionTokens: NotionTokens;
  readonly handshakes: Pick<HandshakeStore, 'keepOnce'>;
  readonly handshakeDeadlineMs: number;
  /** Whether events about rows may be appended; null: rows are off. */
  readonly rowsAreReady: (() => boolean) | null;
  /** Awaited before an event is ignored because rows are off. Never rejects. */
  readonly noteMissedRow: () => Promise<void>;
  readonly findConnections: FindConnections;
  readonly noteConnection: NoteConnection;
  readonly append: (records: readonly OutgoingRecord[]) => Promise<AppendResult>;
  readonly codec: Pick<EventCodec, 'encode'>;
  readonly keepIgnored: (event: IgnoredEvent) => void;
  readonly topics: Topics;
  readonly metrics: IngressMetrics;
  readonly tracing: Tracing;
  readonly logger: Logger;
}

/** Unsigned bodies longer than this cannot be a handshake and are not parsed. */
const maxHandshakeBytes = 4096;

/** Handles a request: verify, parse, find the tenants, append. Answers `accepted` only when every record is durable. */
export function createReceiver(deps: ReceiveDependencies): (request: Request) => Promise<Answer> {
  const { logger, metrics } = deps;
  const logRefusal = occasionally(10_000);
  const logOtherToken = occasionally(10_000);

  async function receive(request: Request): Promise<Answer> {
    const receivedAt = new Date();
    const verdict = await verify(request);
    request.span?.event('signature checked');
    if (verdict !== 'valid') return answerUnsigned(request, verdict);
    const webhook = readWebhook(request.route, request.raw, deps.rowsAreReady === null ? 'off' : 'on');
    switch (webhook.kind) {
      case 'database_event': {
        const { notice, connection } = webhook;
        if (isRowKind(notice.kind) && deps.rowsAreReady?.() !== true) {
          return ignoreEvent(request, notice, connection, 'rows_not_ready', receivedAt);
        }
        return appendEvents(request, notice, connection, receivedAt);
      }
      case 'linked_database':
        return ignoreEvent(request, webhook.notice, webhook.connection, 'linked_database', receivedAt);
      case 'unmirrored_page':
        if (webhook.reason === 'rows_off') await deps.noteMissedRow();
        // There are ten to a hundred times as many as of all others: they are counted, and nothing more.
        metrics.events.inc({ type: eventTypeLabel(webhook.type), outcome: webhook.reason });
        return ignored(webhook.reason);
      case 'unsupported':
        metrics.events.inc({ type: eventTypeLabel(webhook.type), outcome: 'unsupported_event_type' });
        logger.info(
          {
            route: request.route,
            eventId: webhook.eventId,
            type: webhook.type,
            workspaceId: null,
            databaseId: null,
            ...traceFieldsOf(request.trace),
          },
          'event ignored: unsupported_event_type',
        );
        deps.keepIgnored({
          ...nothingKnown,
          eventId: webhook.eventId,
          type: webhook.type,
          route: request.route,
          reason: 'unsupported_event_type',
          receivedAt,
          trace: request.trace,
        });
        return ignored('unsupported_event_type');
      case 'handshake':
        return takeSignedHandshake(request.route, webhook.token);
      case 'auth':
        return deps.noteConnection(webhook);
      case 'unreadable':
        return quarantine(request, webhook, receivedAt);
    }
  }

  async function verify({ route, raw, nangoSignature, notionSignature }: Request): Promise<Verdict> {
    if (route === 'notion') return deps.notionTokens.verify(raw, notionSignature);
    return isSignedByNango(raw, nangoSignature, deps.nangoSigningKeys) ? 'valid' : 'invalid';
  }

  async function appendEvents(request: Request, notice: DatabaseNotice, named: ConnectionName | null, receivedAt: Date): Promise<Answer> {
    const { route, trace } = request;
    const connections = await deps.findConnections(notice, named);
    if (connections.length === 0) return ignoreEvent(request, notice, named, 'no_active_connection', receivedAt);
    request.span?.set({ 'notion_mirror.event_type': eventTypeLabel(notice.type) });
    const sends = connections.map((connection) =>
      startSend(deps.tracing, deps.topics.events, databaseEventOf(notice, connection, { origin: route, receivedAt, trace })),
    );
    const records = sends.map(({ sent }) =>
      toRecord({
        topic: deps.topics.events,
        event: sent,
        codec: deps.codec,
        accessibleBy: notice.accessibleBy,
      }),
    );
    const to = await deps.append(records);
    const outcome = to === 'nowhere' ? 'unavailable' : 'accepted';
    for (const { span } of sends) {
      span?.set({ 'notion_mirror.to': to });
      span?.end(to === 'nowhere' ? 'unavailable' : undefined);
    }
    for (const { eventId, type, workspaceId, connectionId, databaseId, dataSourceId, pageId, trace: own } of sends.map(
      ({ sent }) => sent,
    )) {
      metrics.events.inc({ type: eventTypeLabel(type), outcome });
      const fields = {
        route,
        eventId,
        type,
        workspaceId,
        connectionId,
        databaseId,
        dataSourceId,
        ...onlySet(pageId),
        ...traceFieldsOf(own),
      };
      if (outcome === 'accepted') logger.info({ ...fields, to }, 'event accepted');
      else logger.error(fields, 'event refused: neither the log nor the spool could store it');
    }
    return outcome === 'accepted' ? { status: 'accepted', eventId: notice.eventId } : { status: 'unavailable' };
  }

  function ignoreEvent(
    { route, trace }: Request,
    notice: DatabaseNotice,
    named: ConnectionName | null,
    reason: 'linked_database' | 'rows_not_ready' | 'no_active_connection',
    receivedAt: Date,
  ): Answer {
    const { eventId, type, notionWorkspaceId, databaseId, dataSourceId, pageId, occurredAt } = notice;
    const connectionId = named?.connectionId ?? null;
    metrics.events.inc({ type: eventTypeLabel(type), outcome: reason });
    const about = { route, eventId, type, workspaceId: null, connectionId, notionWorkspaceId, databaseId, dataSourceId };
    logger.info({ ...about, ...onlySet(pageId), ...traceFieldsOf(trace) }, `event ignored: ${reason}`);
    deps.keepIgnored({ route, eventId, type, reason, connectionId, databaseId, dataSourceId, pageId, occurredAt, receivedAt, trace });
    return ignored(reason);
  }

  async function quarantine(request: Request, unreadable: Extract<Webhook, { kind: 'unreadable' }>, receivedAt: Date): Promise<Answer> {
    const { route, raw } = request;
    const { problem, detail } = unreadable;
    const to = await deps.append([quarantinedRecord({ topic: deps.topics.deadLetters, raw, route, problem, detail, receivedAt })]);
    const outcome = to === 'nowhere' ? 'unavailable' : 'quarantined';
    metrics.events.inc({ type: 'unreadable', outcome });
    logger.warn({ route, problem, detail, bytes: raw.length, to }, `unreadable webhook ${outcome}`);
    return { status: outcome };
  }

  async function answerUnsigned(request: Request, verdict: Exclude<Verdict, 'valid'>): Promise<Answer> {
    const token = ownTokenOf(request);
    if (token !== null) {
      const outcome = await deps.notionTokens.takeHandshake(token);
      metrics.handshakes.inc({ route: 'notion', outcome });
      if (outcome === 'kept') logKept('notion');
      if (outcome === 'refused') {
        logOtherToken((skipped) =>
          logger.warn({ route: 'notion', skipped }, 'a handshake was refused: another token is kept, or none is taken'),
        );
      }
      return handshakeAnswers[outcome];
    }
    if (verdict === 'unknown') return { status: 'unavailable' };
    logRefusal((skipped) =>
      logger.warn({ route: request.route, bytes: request.raw.length, skipped }, 'request refused: no or wrong signature'),
    );
    return refused('invalid_signature');
  }

  /** The request is signed by Nango and therefore trusted: the newest token replaces an older one. */
  async function takeSignedHandshake(route: Route, token: string): Promise<Answer> {
    if (route === 'notion') {
      metrics.handshakes.inc({ route, outcome: 'same' });
      return { status: 'handled' };
    }
    try {
      await withDeadline(deps.handshakes.keepOnce('nango', token), { ms: deps.handshakeDeadlineMs });
    } catch (error) {
      logger.warn({ err: error }, 'a verification token could not be stored');
      metrics.handshakes.inc({ route, outcome: 'unavailable' });
      return { status: 'unavailable' };
    }
    metrics.handshakes.inc({ route, outcome: 'kept' });
    logKept(route);
    return { status: 'handled' };
  }

  function logKept(route: Route): void {
    logger.info({ route }, 'the verification token of a Notion subscription is stored; show it once with: mirror handshake show');
  }

  return receive;
}

/** Of a row; null would be noise in every other line. */
function onlySet(pageId: string | null): { readonly pageId?: string } {
  return pageId === null ? {} : { pageId };
}

const nothingKnown = { connectionId: null, databaseId: null, dataSourceId: null, pageId: null, occurredAt: null };

const handshakeAnswers: Readonly<Record<HandshakeOutcome, Answer>> = {
  kept: { status: 'handled' },
  same: { status: 'handled' },
  refused: refused('invalid_signature'),
  unavailable: { status: 'unavailable' },
};

/** The token of a handshake on Notion's route that is unsigned, or signed with the token it carries. */
function ownTokenOf({ route, raw, notionSignature }: Request): string | null {
  if (route !== 'notion' || raw.length > maxHandshakeBytes) return null;
  const webhook = readWebhook(route, raw, 'off');
  if (webhook.kind !== 'handshake') return null;
  return notionSignature === undefined || isSignedByNotion(raw, notionSignature, [webhook.token]) ? webhook.token : null;
}
