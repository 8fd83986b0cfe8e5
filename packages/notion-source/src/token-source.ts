import type { Connection } from '@notion-mirror/domain/connection';
import type { Logger } from '@notion-mirror/service-kit/logger';
import { Counter, type Registry } from '@notion-mirror/service-kit/metrics';
import { tracingOff, type Tracing } from '@notion-mirror/service-kit/tracing/tracing';
import { LRUCache } from 'lru-cache';
import { systemClock, type Clock } from '@notion-mirror/service-kit/async/clock';
import { isUsableToken, nangoToken, type NangoAnswer } from './nango-credentials.ts';
import type { SourceFailure } from './notion-errors.ts';

export type TokenResult =
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'connection_deleted'; readonly failure: SourceFailure }
  /** There is no token that Notion might accept: the customer must connect again. */
  | { readonly kind: 'unauthorized'; readonly reason: 'token_refused' | 'grant_refused'; readonly failure: SourceFailure }
  /** `at`: when to try again, epoch milliseconds. Class `misconfigured`: an operator must act. */
  | { readonly kind: 'retry'; readonly at: number; readonly failure: SourceFailure };

/** The Notion token of a connection. Never rejects; no token appears in a log, error, metric or span. `trace`: the context that the call belongs to. */
export interface TokenSource {
  /** From memory, if not older than the TTL, or while Nango is unavailable. */
  get(connection: Connection, trace?: string): Promise<TokenResult>;
  /**
   * After Notion answered `refused` with 401: the token that another caller has fetched meanwhile, or that of a forced refresh, which may be
   * the same again. Calls at the same time, or within seconds, share one refresh.
   */
  refresh(connection: Connection, refused: string, trace?: string): Promise<TokenResult>;
}

interface Held {
  readonly token: string;
  freshUntil: number;
  /** When it came from a forced refresh. */
  readonly forcedAt: number | null;
}

/** How long a token that could not be rechecked is used before the next attempt. */
const recheckMs = 30_000;
/** A forced refresh that returned the same token is not repeated within this time. */
const forcedMs = 10_000;
/** How often a problem for an operator is logged, however many events run into it. */
const loudEveryMs = 60_000;

/** A connection that was written since (the customer reconnected, an operator resumed it) starts over: its old token is of no use. */
function keyOf({ connectionId, updatedAt }: Connection): string {
  return `${connectionId} ${updatedAt.getTime()}`;
}

export function createTokenSource(options: {
  readonly nango: { readonly url: string; readonly apiKey: string | null };
  /** Decrypts a connection's stored token; null when there is no encryption key. May throw. */
  readonly decrypt: ((connection: Connection) => string) | null;
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly tracing?: Tracing | undefined;
  readonly clock?: Clock | undefined;
  /** How long a token is used without asking Nango again (its limits are 200 to 2000 calls a minute). */
  readonly ttlMs?: number | undefined;
  readonly deadlineMs?: number | undefined;
  readonly maxTokens?: number | undefined;
}): TokenSource {
  const {
    nango,
    decrypt,
    logger,
    tracing = tracingOff,
    clock = systemClock,
    ttlMs = 300_000,
    deadlineMs = 10_000,
    maxTokens = 50_000,
  } = options;
  const held = new LRUCache<string, Held>({ max: maxTokens });
  const ofNango = {
    'http.request.method': 'GET',
    'url.template': '/connections/{connection_id}',
    'server.address': URL.parse(nango.url)?.hostname,
  };
  const flights = new Map<string, Promise<TokenResult>>();
  const loudAt = new Map<string, number>();
  let everyoneWaits: { readonly until: number; readonly failure: SourceFailure } | null = null;
  const fetches = new Counter({
    name: 'notion_mirror_token_fetches_total',
    help: 'Calls to Nango for a Notion token, by outcome.',
    labelNames: ['outcome'],
    registers: [options.metrics],
  });

  function stored(connection: Connection): TokenResult {
    let cause: unknown;
    try {
      const token = decrypt?.(connection);
      if (token !== undefined && isUsableToken(token)) return { kind: 'token', token };
    } catch (error) {
      cause = error;
    }
    const message = 'the stored token cannot be read; is MIRROR_ENCRYPTION_KEY the one it was stored with?';
    return operatorMustAct(connection, { class: 'misconfigured', code: 'token_unreadable', message }, 120_000, cause);
  }

  function operatorMustAct(connection: Connection, failure: SourceFailure, waitMs: number, cause?: unknown): TokenResult {
    const now = clock.now();
    if (now - (loudAt.get(failure.code) ?? 0) >= loudEveryMs) {
      loudAt.set(failure.code, now);
      const { connectionId } = connection;
      logger.error({ connectionId, failure, ...(cause === undefined ? {} : { err: cause }) }, 'no Notion token until an operator acts');
    }
    return { kind: 'retry', at: now + waitMs, failure };
  }

  /** One call of a kind at a time for each connection; concurrent callers share its answer. */
  async function fetched(connection: Connection, kind: 'plain' | 'forced', trace: string | undefined): Promise<TokenResult> {
    const span = tracing.child(trace, { name: 'GET /connections/{connection_id}', kind: 'client', attributes: ofNango });
    const result = await shared(connection, kind);
    if (result.kind === 'token') span?.end();
    else span?.end(`${result.failure.class}/${result.failure.code}`);
    return result;
  }

  async function shared(connection: Connection, kind: 'plain' | 'forced'): Promise<TokenResult> {
    const key = `${kind} ${keyOf(connection)}`;
    const flying = flights.get(key);
    if (flying !== undefined) return flying;
    const flight = ask(connection, kind).finally(() => flights.delete(key));
    flights.set(key, flight);
    return flight;
  }

  async function ask(connection: Connection, kind: 'plain' | 'forced'): Promise<TokenResult> {
    const { apiKey, url } = nango;
    if (apiKey === null) {
      const message = 'the connection has no stored token, and MIRROR_NANGO_API_KEY is not set';
      return operatorMustAct(connection, { class: 'misconfigured', code: 'no_nango_api_key', message }, 120_000);
    }
    if (everyoneWaits !== null && everyoneWaits.until > clock.now()) {
      return { kind: 'retry', at: everyoneWaits.until, failure: everyoneWaits.failure };
    }
    const answer = await nangoToken({ url, apiKey }, connection, { forceRefresh: kind === 'forced', deadlineMs, now: () => clock.now() });
    fetches.inc({ outcome: answer.kind === 'retry' ? answer.failure.class : answer.kind });
    switch (answer.kind) {
      case 'token':
        held.set(keyOf(connection), {
          token: answer.token,
          freshUntil: clock.now() + ttlMs,
          forcedAt: kind === 'forced' ? clock.now() : null,
        });
        return answer;
      case 'connection_deleted':
        held.delete(keyOf(connection));
        return answer;
      case 'unauthorized':
        held.delete(keyOf(connection));
        return { ...answer, reason: 'grant_refused' };
      case 'retry':
        return wait(connection, answer);
    }
  }

  function wait(connection: Connection, answer: NangoAnswer & { kind: 'retry' }): TokenResult {
    const at = clock.now() + answer.waitMs;
    if (answer.everyone) everyoneWaits = { until: at, failure: answer.failure };
    if (answer.failure.class === 'misconfigured') return operatorMustAct(connection, answer.failure, answer.waitMs);
    return { kind: 'retry', at, failure: answer.failure };
  }

  return {
    async get(connection, trace) {
      if (connection.token !== null) return stored(connection);
      const known = held.get(keyOf(connection));
      if (known !== undefined && known.freshUntil > clock.now()) return { kind: 'token', token: known.token };
      const result = await fetched(connection, 'plain', trace);
      if (result.kind !== 'retry' || known === undefined) return result;
      // Notion's tokens do not expire, so work can continue through an outage of Nango.
      known.freshUntil = clock.now() + recheckMs;
      return { kind: 'token', token: known.token };
    },
    async refresh(connection, refused, trace) {
      if (connection.token !== null) {
        const result = stored(connection);
        if (result.kind !== 'token' || result.token !== refused) return result;
        const message = 'Notion refuses the stored token';
        return { kind: 'unauthorized', reason: 'token_refused', failure: { class: 'unauthorized', code: 'stored_token', message } };
      }
      const known = held.get(keyOf(connection));
      if (known !== undefined) {
        const justForced = known.forcedAt !== null && known.forcedAt + forcedMs > clock.now();
        if (known.token !== refused || justForced) return { kind: 'token', token: known.token };
      }
      return fetched(connection, 'forced', trace);
    },
  };
}
