import { setTimeout as sleep } from 'node:timers/promises';
import type { Poster, PostResult } from '../http/post.ts';
import type { PendingWork } from '../pending-work.ts';
import { stableStringify } from '../stable-json.ts';
import type { CircuitBreaker } from './breaker.ts';
import { webhookHeaders } from './headers.ts';
import type { DeliverySettings } from './settings.ts';

export interface WebhookAttempt {
  readonly at: number;
  readonly result: PostResult | { readonly kind: 'circuit_breaker_open' };
}

/** The delivery of one webhook to one URL. */
export interface NangoDelivery {
  readonly id: string;
  readonly url: string;
  readonly type: 'forward' | 'auth';
  /** Null for an unwrapped webhook. */
  readonly connectionId: string | null;
  readonly attempts: readonly WebhookAttempt[];
  /** `lost`: given up permanently; there is no queue and no replay. */
  readonly state: 'pending' | 'delivered' | 'lost';
  /** The exact bytes, as text. */
  readonly body: string;
}

type OpenDelivery = { -readonly [Field in keyof NangoDelivery]: NangoDelivery[Field] };

/** One webhook for the receivers. */
export interface Webhook {
  readonly type: NangoDelivery['type'];
  readonly connectionId: string | null;
  readonly urls: readonly string[];
  readonly body: unknown;
  /** From the provider's request, in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface Forwarding {
  /** Sends the webhooks in the background, one after another, each to its URLs in order. */
  send(webhooks: readonly Webhook[]): void;
  /** The last 10,000, oldest first. */
  log(): readonly NangoDelivery[];
  clearLog(): void;
  stop(): void;
}

const remembered = 10_000;

export function createForwarding({
  settings,
  signingKey,
  poster,
  breaker,
  now,
  pending,
}: {
  settings: () => DeliverySettings;
  signingKey: () => string;
  poster: Poster;
  breaker: CircuitBreaker;
  now: () => number;
  pending: PendingWork;
}): Forwarding {
  const stopped = new AbortController();
  let log: OpenDelivery[] = [];
  let sent = 0;

  const deliver = async (delivery: OpenDelivery, headers: Readonly<Record<string, string>>, bytes: Buffer): Promise<void> => {
    const { timeoutMs, retryWaitsMs, timeScale } = settings();
    for (let retry = 0; ; retry += 1) {
      const at = now();
      const results: PostResult[] = [];
      const outcome = await breaker.execute(delivery.url, async () => {
        const result = await poster.post(delivery.url, headers, bytes, timeoutMs);
        results.push(result);
        return isSuccess(result);
      });
      const [result] = results;
      delivery.attempts = [...delivery.attempts, { at, result: result ?? { kind: 'circuit_breaker_open' } }];
      if (outcome === 'succeeded') {
        delivery.state = 'delivered';
        return;
      }
      const wait = retryWaitsMs[retry];
      if (result === undefined || wait === undefined || !isRetried(result)) break;
      const isOver = await sleep(wait * timeScale, false, { signal: stopped.signal }).catch(() => true);
      if (isOver) break;
    }
    delivery.state = 'lost';
  };

  const run = async (webhooks: readonly Webhook[]): Promise<void> => {
    for (const { type, connectionId, urls, body, headers } of webhooks) {
      const text = stableStringify(body);
      const bytes = Buffer.from(text);
      const signed = webhookHeaders(signingKey(), bytes, headers);
      for (const url of urls) {
        sent += 1;
        const delivery: OpenDelivery = { id: `webhook-${sent}`, url, type, connectionId, attempts: [], state: 'pending', body: text };
        log.push(delivery);
        if (log.length > remembered * 1.1) log = log.slice(-remembered);
        await deliver(delivery, signed, bytes);
      }
    }
  };

  return {
    send: (webhooks) => {
      pending.track(run(webhooks));
    },
    log: () => log.slice(-remembered).map((delivery) => ({ ...delivery })),
    clearLog: () => {
      log = [];
    },
    stop: () => stopped.abort(),
  };
}

function isSuccess(result: PostResult): boolean {
  return result.kind === 'answer' && result.status >= 200 && result.status < 300;
}

/** Only failures that Nango considers transient: a 5xx, and the network errors it lists. Never a 3xx or 4xx, including 429 and 408. */
function isRetried(result: PostResult): boolean {
  if (result.kind === 'answer') return result.status >= 500;
  return ['ECONNRESET', 'ETIMEDOUT', 'ECONNABORTED', 'ECONNREFUSED', 'EHOSTUNREACH', 'EAI_AGAIN', 'UND_ERR_SOCKET'].includes(result.code);
}
