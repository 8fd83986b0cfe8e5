import type { PostponeReason } from '@notion-mirror/domain/call-limits';
import type { Connection } from '@notion-mirror/domain/connection';
import type { JsonObject } from '@notion-mirror/domain/database-content';
import { backoffMs } from '@notion-mirror/service-kit/async/backoff';
import type { Logger } from '@notion-mirror/service-kit/logger';
import { LRUCache } from 'lru-cache';
import { unlessAborted } from '@notion-mirror/service-kit/async/abort-scope';
import type { Clock } from '@notion-mirror/service-kit/async/clock';
import { isSampled } from '@notion-mirror/service-kit/tracing/trace-context';
import type { Span, Tracing } from '@notion-mirror/service-kit/tracing/tracing';
import type { NotionAnswer, NotionCall } from './notion-client.ts';
import type { SourceFailure, NotionFailure } from './notion-errors.ts';
import type { NotionMetrics } from './notion-metrics.ts';
import type { Permit, RateBudget, Taken } from './rate-budget.ts';
import type { TokenSource } from './token-source.ts';

/** Why a connection can make no more calls: becomes its statusReason. */
export type UnauthorizedReason = 'token_refused' | 'grant_refused' | 'connection_deleted';

/** The result of one call through one connection. */
export type CallOutcome = { readonly kind: 'ok'; readonly body: JsonObject; readonly text: string } | CallProblem;

export type CallProblem =
  /** It does not exist, is not shared with this connection (class `gone`), or is nothing that the endpoint can show (`unreadable`). */
  | { readonly kind: 'gone'; readonly failure: SourceFailure }
  /** The connection can make no more calls. */
  | { readonly kind: 'dead' }
  /** `at`: epoch milliseconds. Scope `connection`: every call of the connection waits; `request`: only this one. */
  | { readonly kind: 'retry'; readonly at: number; readonly scope: 'connection' | 'request'; readonly failure: SourceFailure }
  | { readonly kind: 'failed'; readonly failure: SourceFailure };

/** One call of a session, with the connection's token, within its budget. `signal` must abort with the session's own. Never rejects. */
export type SessionCall = (request: NotionCall, signal?: AbortSignal) => Promise<CallOutcome>;

export interface SessionOptions {
  /** Calls for which the budget must have room before the first is made. */
  readonly reserve: number;
  /** The part of the budget that the session may use; the rest is for others. Default 1. */
  readonly share?: number | undefined;
  /** From 1; the backoff grows with it. */
  readonly attempt: number;
  readonly signal: AbortSignal;
  /** A check of the connection itself: a refusal is the answer, and has no consequences. Default false. */
  readonly isProbe?: boolean | undefined;
  /** Called for each answer with Notion's request id; null when it has none. */
  readonly onAnswer?: ((requestId: string | null) => void) | undefined;
  /** The context that the calls belong to. */
  readonly trace?: string | undefined;
}

export interface ConnectionCalls {
  /**
   * Runs `work` if the budget has room for the reserved calls. If not, the result is `retry` at once, so that no slot is held while waiting.
   * Further calls wait for room inside `work`.
   */
  begin<T>(connection: Connection, options: SessionOptions, work: (call: SessionCall) => Promise<T>): Promise<T | CallProblem>;
}

/** Longer than the window, so that a database with more data sources than the budget has room for can be read. */
const longestWaitInsideMs = 65_000;
const firstBackoffMs = 1_000;
const longestBackoffMs = 60_000;
/** How long a refused connection is not used while its status still says `active`. */
const refusedMs = 60_000;
/** A connection whose token Notion has accepted within this time is probed before it is given up. */
const workedMs = 600_000;
/** How long such a connection is probed; and how long while Notion accepts no token at all: then Notion is the cause, not the customer. */
const doubtMs = 15_000;
const longestDoubtMs = 600_000;
const longestProbeWaitMs = 30_000;
/** Connections whose last accepted call is remembered. */
const rememberedConnections = 50_000;

/** A connection that worked recently, and whose token Notion refuses now. */
interface Doubt {
  readonly since: number;
  readonly probes: number;
  readonly nextAt: number;
  readonly failure: SourceFailure;
}

export function createConnectionCalls(deps: {
  readonly tokens: TokenSource;
  readonly budget: RateBudget;
  readonly onPostponed: (by: PostponeReason) => void;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly metrics: NotionMetrics;
  readonly tracing: Tracing;
  /** Of the Notion API, for spans. */
  readonly host: string | undefined;
  readonly onUnauthorized: (connection: Connection, reason: UnauthorizedReason) => Promise<void>;
}): ConnectionCalls {
  const { tokens, budget, clock, logger, tracing, host } = deps;
  /** Connections that were refused recently: the cached list of connections may still call them active. */
  const refused = new LRUCache<string, { readonly updatedAt: number; readonly until: number }>({ max: 10_000 });

  /** When Notion last accepted the token of a connection. */
  const workedAt = new LRUCache<string, number>({ max: rememberedConnections });
  const doubts = new LRUCache<string, Doubt>({ max: rememberedConnections });
  /** When Notion last accepted any token. */
  let anyWorkedAt = Number.NEGATIVE_INFINITY;

  function tokenAccepted({ connectionId }: Connection): void {
    const now = clock.now();
    workedAt.set(connectionId, now);
    doubts.delete(connectionId);
    anyWorkedAt = now;
  }

  /**
   * Notion refuses a fresh token. A connection that worked recently is not given up at once: it is probed for a while, and much longer while
   * other connections are refused too and none is accepted, since then Notion's own check is at fault. Null: give it up.
   */
  function doubt({ connectionId, workspaceId }: Connection, failure: SourceFailure, attempt: number): CallProblem | null {
    const now = clock.now();
    const known = doubts.get(connectionId);
    // Concurrent calls are one probe.
    if (known !== undefined && known.nextAt > now) return later(failure, known.nextAt, 'connection', attempt);
    const isRecent = known !== undefined || now - (workedAt.get(connectionId) ?? Number.NEGATIVE_INFINITY) < workedMs;
    const { since, probes } = known ?? { since: now, probes: 0 };
    if (!isRecent || now - since >= (refusesAll(connectionId, since) ? longestDoubtMs : doubtMs)) {
      doubts.delete(connectionId);
      workedAt.delete(connectionId);
      return null;
    }
    const nextAt = now + backoffMs(probes + 1, firstBackoffMs, longestProbeWaitMs, deps.random);
    doubts.set(connectionId, { since, probes: probes + 1, nextAt, failure });
    if (probes === 0) logger.warn({ connectionId, workspaceId, failure }, 'Notion refuses a token that it accepted recently; probing');
    return later(failure, nextAt, 'connection', attempt);
  }

  /** Whether Notion refuses other connections too, and has accepted none since. */
  function refusesAll(connectionId: string, since: number): boolean {
    const oldest = clock.now() - longestDoubtMs;
    if (anyWorkedAt > since) return false;
    // Rarely visits all: while Notion refuses everything, one of the first few is enough.
    for (const [other, entry] of doubts.entries()) if (other !== connectionId && entry.since > oldest) return true;
    return false;
  }

  function isRefused(connection: Connection): boolean {
    const entry = refused.get(connection.connectionId);
    return entry !== undefined && entry.until > clock.now() && entry.updatedAt === connection.updatedAt.getTime();
  }

  async function dead(connection: Connection, reason: UnauthorizedReason, failure: SourceFailure): Promise<CallProblem> {
    if (isRefused(connection)) return { kind: 'dead' };
    const { connectionId, workspaceId } = connection;
    refused.set(connectionId, { updatedAt: connection.updatedAt.getTime(), until: clock.now() + refusedMs });
    logger.warn({ connectionId, workspaceId, reason, failure }, 'Notion refuses the connection');
    try {
      await deps.onUnauthorized(connection, reason);
    } catch (error) {
      logger.error({ err: error, connectionId, workspaceId, reason }, 'cannot record that Notion refuses the connection');
    }
    return { kind: 'dead' };
  }

  function later(failure: SourceFailure, earliest: number, scope: 'connection' | 'request', attempt: number): CallProblem {
    const backoff = backoffMs(attempt, firstBackoffMs, longestBackoffMs, deps.random);
    return { kind: 'retry', at: Math.max(earliest, clock.now() + backoff), scope, failure };
  }

  function stopped(): CallProblem {
    const failure = { class: 'network', code: 'aborted', message: 'the fetch was aborted' } as const;
    return { kind: 'retry', at: clock.now(), scope: 'request', failure };
  }

  /** A session that has used up its share of the budget waits alone: others still have room. */
  function noRoom(taken: Taken & { ok: false }, share = 1): CallProblem {
    if (taken.cause === 'aborted') return stopped();
    const message = `no call may be made before ${new Date(taken.waitUntil).toISOString()} (${taken.cause})`;
    const scope = taken.cause === 'window' && share < 1 ? 'request' : 'connection';
    return { kind: 'retry', at: taken.waitUntil, scope, failure: { class: 'rate_limited', code: taken.cause, message } };
  }

  /** The token to call with; a fresh one when Notion has refused `refusedToken`. */
  async function tokenFor(
    connection: Connection,
    refusedToken: string | null,
    { attempt, isProbe, trace }: Pick<SessionOptions, 'attempt' | 'isProbe' | 'trace'>,
    signal: AbortSignal,
  ) {
    const asked = refusedToken === null ? tokens.get(connection, trace) : tokens.refresh(connection, refusedToken, trace);
    const result = await unlessAborted(asked, signal);
    switch (result?.kind) {
      case undefined:
        return stopped();
      case 'token':
        return result;
      case 'retry':
        return later(result.failure, result.at, 'connection', attempt);
      case 'unauthorized':
      case 'connection_deleted': {
        if (isProbe === true) return { kind: 'dead' } as const;
        const reason = result.kind === 'unauthorized' ? result.reason : 'connection_deleted';
        const doubted = reason === 'token_refused' ? doubt(connection, result.failure, attempt) : null;
        return doubted ?? dead(connection, reason, result.failure);
      }
    }
  }

  /** The one place that acts on the class of a failure. `unauthorized` is left to the caller, which knows whether the token was fresh. */
  function act(failure: NotionFailure, permit: Permit, attempt: number): CallProblem | { kind: 'unauthorized' } {
    switch (failure.class) {
      case 'rate_limited':
        return { kind: 'retry', at: permit.limited(failure), scope: 'connection', failure };
      case 'server':
      case 'network':
      case 'conflict':
        return later(failure, clock.now() + (failure.retryAfterMs ?? 0), 'request', attempt);
      case 'unauthorized':
        return { kind: 'unauthorized' };
      case 'gone':
      case 'unreadable':
        return { kind: 'gone', failure };
      case 'restricted':
      case 'invalid':
      case 'unexpected':
        return { kind: 'failed', failure };
    }
  }

  function startCall(
    { route: [method, template] }: NotionCall,
    trace: string | undefined,
    way: { resends: number; waitedMs: number },
  ): Span | null {
    if (!isSampled(trace)) return null;
    return tracing.child(trace, {
      name: `${method} ${template}`,
      kind: 'client',
      attributes: {
        'http.request.method': method,
        'url.template': template,
        'server.address': host,
        ...(way.resends === 0 ? {} : { 'http.request.resend_count': way.resends }),
        ...(way.waitedMs === 0 ? {} : { 'notion_mirror.budget_wait_ms': way.waitedMs }),
      },
    });
  }

  return {
    async begin(connection, options, work) {
      const { reserve, share, attempt, signal: whole, isProbe, onAnswer, trace } = options;
      if (whole.aborted) return stopped();
      if (isRefused(connection) && isProbe !== true) return { kind: 'dead' };
      const doubted = doubts.get(connection.connectionId);
      if (doubted !== undefined && doubted.nextAt > clock.now()) {
        return { kind: 'retry', at: doubted.nextAt, scope: 'connection', failure: doubted.failure };
      }
      const reserved = budget.tryTake(connection, reserve, share);
      if (!reserved.ok) {
        deps.metrics.denied(reserved.cause);
        if (reserved.cause !== 'aborted') deps.onPostponed(reserved.cause);
        return noRoom(reserved, share);
      }
      const ready: Permit[] = [...reserved.permits];

      const call: SessionCall = async (request, signal = whole) => {
        let refusedToken: string | null = null;
        let resends = 0;
        for (;;) {
          const found = await tokenFor(connection, refusedToken, options, signal);
          if (found.kind !== 'token') return found;
          let permit = ready.pop();
          const askedAt = clock.now();
          if (permit === undefined) {
            const taken = await budget.take(connection, { maxWaitMs: longestWaitInsideMs, share, signal });
            if (!taken.ok) return noRoom(taken, share);
            [permit] = taken.permits;
          }
          try {
            const began = clock.now();
            const span = startCall(request, trace, { resends, waitedMs: began - askedAt });
            const answer = await request(found.token, signal);
            endCall(span, answer);
            const { connectionId, workspaceId } = connection;
            const result = answer.kind === 'ok' ? 'ok' : answer.failure.code;
            logger.debug({ connectionId, workspaceId, endpoint: request.endpoint, result, ms: clock.now() - began }, 'notion call');
            onAnswer?.(answer.kind === 'ok' ? requestIdOf(answer.body) : answer.failure.requestId);
            if (answer.kind === 'ok') {
              tokenAccepted(connection);
              return answer;
            }
            if (signal.aborted) return stopped();
            const outcome = act(answer.failure, permit, attempt);
            if (outcome.kind === 'gone' || (outcome.kind === 'failed' && answer.failure.status !== null)) tokenAccepted(connection);
            if (outcome.kind !== 'unauthorized') return outcome;
            if (refusedToken !== null) {
              if (isProbe === true) return { kind: 'dead' };
              return doubt(connection, answer.failure, attempt) ?? (await dead(connection, 'token_refused', answer.failure));
            }
            refusedToken = found.token;
            resends += 1;
          } finally {
            permit.answered();
          }
        }
      };

      try {
        return await work(call);
      } finally {
        for (const permit of ready) permit.release();
      }
    },
  };
}

function endCall(span: Span | null, answer: NotionAnswer): void {
  if (span === null) return;
  if (answer.kind === 'ok') {
    span.set({ 'http.response.status_code': 200, 'notion_mirror.notion_request_id': requestIdOf(answer.body) ?? undefined });
    return span.end();
  }
  const { status, requestId, class: failureClass, code } = answer.failure;
  span.set({ 'http.response.status_code': status ?? undefined, 'notion_mirror.notion_request_id': requestId ?? undefined });
  span.end(`${failureClass}/${code}`);
}

function requestIdOf(body: JsonObject): string | null {
  const id = body['request_id'];
  return typeof id === 'string' ? id : null;
}
