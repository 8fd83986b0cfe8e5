import type { Connection } from '@notion-mirror/domain/connection';
import type { JsonObject } from '@notion-mirror/domain/database-content';
import { backoffMs } from '@notion-mirror/service-kit/backoff';
import type { Logger } from '@notion-mirror/service-kit/logger';
import { LRUCache } from 'lru-cache';
import { unlessAborted } from './abort-scope.ts';
import type { Clock } from './clock.ts';
import type { NotionCall } from './notion-client.ts';
import type { Failure, NotionFailure } from './notion-errors.ts';
import type { NotionMetrics } from './notion-metrics.ts';
import type { Permit, RateBudget, Taken } from './rate-budget.ts';
import type { TokenSource } from './token-source.ts';

/** Why a connection can make no more calls: fit for its statusReason. */
export type UnauthorizedReason = 'token_refused' | 'grant_refused' | 'connection_deleted';

/** What one call through one connection came to. */
export type CallOutcome = { readonly kind: 'ok'; readonly body: JsonObject; readonly text: string } | CallProblem;

export type CallProblem =
  /** Not existing, or not shared with this connection. */
  | { readonly kind: 'gone' }
  /** The connection is of no use any more. */
  | { readonly kind: 'dead' }
  /** `at`: epoch milliseconds. Scope `connection`: every call of the connection waits; `request`: only this one. */
  | { readonly kind: 'retry'; readonly at: number; readonly scope: 'connection' | 'request'; readonly failure: Failure }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** One call of a piece of work, with the connection's token, within its budget. `signal` must abort with the work's own. Never rejects. */
export type SessionCall = (request: NotionCall, signal?: AbortSignal) => Promise<CallOutcome>;

export interface SessionOptions {
  /** How many calls must have room before the first is made. */
  readonly reserve: number;
  /** The part of the budget that they may use, the rest being for others. Default 1. */
  readonly share?: number | undefined;
  /** From 1; the backoff grows with it. */
  readonly attempt: number;
  readonly signal: AbortSignal;
  /** Called for each answer with what Notion calls the request; null when it does not say. */
  readonly onAnswer?: ((requestId: string | null) => void) | undefined;
}

export interface ConnectionCalls {
  /**
   * Runs `work` if the budget has room for its first calls. If not, the answer is `retry` at once, so that nobody who waits holds a slot.
   * Calls beyond the reserved ones wait for room inside.
   */
  begin<T>(connection: Connection, options: SessionOptions, work: (call: SessionCall) => Promise<T>): Promise<T | CallProblem>;
}

/** Longer than the window, so that a database with more data sources than the budget has room for gets there. */
const longestWaitInsideMs = 65_000;
const firstBackoffMs = 1_000;
const longestBackoffMs = 60_000;
/** For how long a refused connection is left alone if nobody takes note of it. */
const refusedMs = 60_000;

export function createConnectionCalls(deps: {
  readonly tokens: TokenSource;
  readonly budget: RateBudget;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly metrics: NotionMetrics;
  readonly onUnauthorized: (connection: Connection, reason: UnauthorizedReason) => Promise<void>;
}): ConnectionCalls {
  const { tokens, budget, clock, logger } = deps;
  /** Connections that were refused a moment ago: the cached list of connections may still call them active. */
  const refused = new LRUCache<string, { readonly updatedAt: number; readonly until: number }>({ max: 10_000 });

  function isRefused(connection: Connection): boolean {
    const entry = refused.get(connection.connectionId);
    return entry !== undefined && entry.until > clock.now() && entry.updatedAt === connection.updatedAt.getTime();
  }

  async function dead(connection: Connection, reason: UnauthorizedReason, failure: Failure): Promise<CallProblem> {
    if (isRefused(connection)) return { kind: 'dead' };
    const { connectionId, workspaceId } = connection;
    refused.set(connectionId, { updatedAt: connection.updatedAt.getTime(), until: clock.now() + refusedMs });
    logger.warn({ connectionId, workspaceId, reason, failure }, 'Notion refuses the connection');
    try {
      await deps.onUnauthorized(connection, reason);
    } catch (error) {
      logger.error({ err: error, connectionId, workspaceId, reason }, 'cannot take note that Notion refuses the connection');
    }
    return { kind: 'dead' };
  }

  function later(failure: Failure, earliest: number, scope: 'connection' | 'request', attempt: number): CallProblem {
    const backoff = backoffMs(attempt, firstBackoffMs, longestBackoffMs, deps.random);
    return { kind: 'retry', at: Math.max(earliest, clock.now() + backoff), scope, failure };
  }

  function stopped(): CallProblem {
    const failure = { class: 'network', code: 'aborted', message: 'the fetch was aborted' } as const;
    return { kind: 'retry', at: clock.now(), scope: 'request', failure };
  }

  function noRoom(taken: Taken & { ok: false }): CallProblem {
    if (taken.cause === 'aborted') return stopped();
    const message = `no call may be made before ${new Date(taken.waitUntil).toISOString()} (${taken.cause})`;
    return { kind: 'retry', at: taken.waitUntil, scope: 'connection', failure: { class: 'rate_limited', code: taken.cause, message } };
  }

  /** The token to call with; a fresh one when Notion has refused `refusedToken`. */
  async function tokenFor(connection: Connection, refusedToken: string | null, attempt: number, signal: AbortSignal) {
    const asked = refusedToken === null ? tokens.get(connection) : tokens.refresh(connection, refusedToken);
    const result = await unlessAborted(asked, signal);
    switch (result?.kind) {
      case undefined:
        return stopped();
      case 'token':
        return result;
      case 'retry':
        return later(result.failure, result.at, 'connection', attempt);
      case 'unauthorized':
        return dead(connection, result.reason, result.failure);
      case 'connection_deleted':
        return dead(connection, 'connection_deleted', result.failure);
    }
  }

  /** The one place that acts on the class of a failure. `unauthorized` is for the caller, who knows whether the token was a fresh one. */
  function act(failure: NotionFailure, permit: Permit, attempt: number): CallProblem | { kind: 'unauthorized' } {
    switch (failure.class) {
      case 'rate_limited':
        return { kind: 'retry', at: permit.limited(failure), scope: 'connection', failure };
      case 'server':
      case 'network':
      case 'conflict':
        return later(failure, clock.now() + (failure.retryAfterMs ?? 0), 'request', attempt);
      case 'unauthorized':
      case 'gone':
        return { kind: failure.class };
      case 'restricted':
      case 'invalid':
      case 'unexpected':
        return { kind: 'failed', failure };
    }
  }

  return {
    async begin(connection, { reserve, share, attempt, signal: whole, onAnswer }, work) {
      if (whole.aborted) return stopped();
      if (isRefused(connection)) return { kind: 'dead' };
      const reserved = budget.tryTake(connection, reserve, share);
      if (!reserved.ok) {
        deps.metrics.denied(reserved.cause);
        return noRoom(reserved);
      }
      const ready: Permit[] = [...reserved.permits];

      const call: SessionCall = async (request, signal = whole) => {
        let refusedToken: string | null = null;
        for (;;) {
          const found = await tokenFor(connection, refusedToken, attempt, signal);
          if (found.kind !== 'token') return found;
          let permit = ready.pop();
          if (permit === undefined) {
            const taken = await budget.take(connection, { maxWaitMs: longestWaitInsideMs, signal });
            if (!taken.ok) return noRoom(taken);
            [permit] = taken.permits;
          }
          try {
            const began = clock.now();
            const answer = await request(found.token, signal);
            const { connectionId, workspaceId } = connection;
            const result = answer.kind === 'ok' ? 'ok' : answer.failure.code;
            logger.debug({ connectionId, workspaceId, endpoint: request.endpoint, result, ms: clock.now() - began }, 'notion call');
            onAnswer?.(answer.kind === 'ok' ? requestIdOf(answer.body) : answer.failure.requestId);
            if (answer.kind === 'ok') return answer;
            if (signal.aborted) return stopped();
            const outcome = act(answer.failure, permit, attempt);
            if (outcome.kind !== 'unauthorized') return outcome;
            if (refusedToken !== null) return await dead(connection, 'token_refused', answer.failure);
            refusedToken = found.token;
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

function requestIdOf(body: JsonObject): string | null {
  const id = body['request_id'];
  return typeof id === 'string' ? id : null;
}
