import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Poster, PostResult } from '../http/post.ts';
import type { JsonObject } from '../json.ts';
import { isJsonObject } from '../json.ts';
import type { PendingWork } from '../pending-work.ts';
import type { Random } from '../random.ts';
import { notionSignature } from '../signatures.ts';

const probability = z.number().min(0).max(1);

/**
 * How webhooks are delivered. Times in milliseconds.
 * Defaults: at once, unmerged, once, in order, none lost; 8 attempts with waits that grow from one minute, so that the last comes
 * about 24 hours after the first. `retryScale` scales those waits: 0.00001 turns a day into 0.9 s.
 */
export const deliverySchema = z.strictObject({
  /** From the change, or the end of its window, to the first attempt: drawn from this range. */
  delayMs: z.tuple([z.number().min(0), z.number().min(0)]).default([0, 0]),
  /** Changes of one entity within this time become one event. 0: no aggregation. */
  aggregationMs: z.number().min(0).default(0),
  duplicateProbability: probability.default(0),
  /** Probability that an event is delayed by up to `reorderMs` more, so that later ones overtake it. */
  reorderProbability: probability.default(0),
  reorderMs: z.number().min(0).default(200),
  dropProbability: probability.default(0),
  maxAttempts: z.int().min(1).max(8).default(8),
  retryScale: z.number().min(0).default(1),
  timeoutMs: z.number().min(1).default(30_000),
});
export type DeliverySettings = z.output<typeof deliverySchema>;

const firstRetryMs = 60_000;
const retryGrowth = 3.15;

/** The wait before this attempt (2, 3, …), unscaled. The waits of 8 attempts add up to 23.9 hours. */
export function retryWaitMs(attempt: number): number {
  return firstRetryMs * retryGrowth ** (attempt - 2);
}

export interface DeliveryAttempt {
  readonly at: number;
  readonly result: PostResult;
}

export interface Delivery {
  readonly id: string;
  readonly subscriptionId: string;
  /** Notion's event id; null for a handshake. A duplicate is a separate delivery with the same event id. */
  readonly eventId: string | null;
  readonly type: string;
  readonly entityId: string | null;
  readonly isDuplicate: boolean;
  readonly attempts: readonly DeliveryAttempt[];
  /** `failed`: every attempt failed. `dropped`: never sent, at random or because the emulator stopped. */
  readonly state: 'pending' | 'delivered' | 'failed' | 'dropped';
  /** As of its last attempt. */
  readonly payload: JsonObject;
}

type OpenDelivery = { -readonly [Field in keyof Delivery]: Delivery[Field] };

interface Target {
  readonly id: string;
  readonly url: string;
  readonly verificationToken: string;
}

export interface DeliveryService {
  /** Queues an event for delivery. */
  send(target: Target, payload: JsonObject): void;
  /** Makes one attempt, at once. */
  handshake(target: Target): Promise<Delivery>;
  /** The last 10,000, oldest first. */
  log(): readonly Delivery[];
  clearLog(): void;
  /** Drops unsent events. */
  stop(): void;
}

const remembered = 10_000;

export function createDeliveryService({
  settings,
  poster,
  random,
  now,
  pending,
}: {
  settings: () => DeliverySettings;
  poster: Poster;
  random: Random;
  now: () => number;
  pending: PendingWork;
}): DeliveryService {
  const stopped = new AbortController();
  let log: OpenDelivery[] = [];
  let sent = 0;

  const open = (target: Target, payload: JsonObject, isDuplicate: boolean): OpenDelivery => {
    const entity = payload['entity'];
    const entityId = isJsonObject(entity) ? entity['id'] : null;
    const delivery: OpenDelivery = {
      id: `delivery-${sent}${isDuplicate ? '-again' : ''}`,
      subscriptionId: target.id,
      eventId: typeof payload['id'] === 'string' ? payload['id'] : null,
      type: typeof payload['type'] === 'string' ? payload['type'] : 'verification',
      entityId: typeof entityId === 'string' ? entityId : null,
      isDuplicate,
      attempts: [],
      state: 'pending',
      payload,
    };
    log.push(delivery);
    if (log.length > remembered * 1.1) log = log.slice(-remembered);
    return delivery;
  };

  const attempt = async (target: Target, delivery: OpenDelivery): Promise<boolean> => {
    const body = Buffer.from(JSON.stringify(delivery.payload));
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'notion-api',
      accept: '*/*',
      'X-Notion-Signature': notionSignature(target.verificationToken, body),
    };
    const at = now();
    const result = await poster.post(target.url, headers, body, settings().timeoutMs);
    delivery.attempts = [...delivery.attempts, { at, result }];
    return result.kind === 'answer' && result.status >= 200 && result.status < 300;
  };

  const run = async (target: Target, delivery: OpenDelivery, delayMs: number): Promise<void> => {
    const payload = delivery.payload;
    try {
      if (delayMs > 0) await sleep(delayMs, undefined, { signal: stopped.signal });
      for (let number = 1; number <= settings().maxAttempts; number += 1) {
        if (number > 1) await sleep(retryWaitMs(number) * settings().retryScale, undefined, { signal: stopped.signal });
        delivery.payload = { ...payload, attempt_number: number };
        if (await attempt(target, delivery)) {
          delivery.state = 'delivered';
          return;
        }
      }
      delivery.state = 'failed';
    } catch {
      // Only a stop ends a wait early.
      delivery.state = 'dropped';
    }
  };

  return {
    send: (target, payload) => {
      sent += 1;
      // Seeded by the event's number, so that one event's fate does not depend on others.
      const drawn = random.fork(`event-${sent}`);
      const { delayMs, dropProbability, duplicateProbability, reorderProbability, reorderMs } = settings();
      const delivery = open(target, payload, false);
      const delay = () => drawn.between(...delayMs) + (drawn.chance(reorderProbability) ? drawn.between(0, reorderMs) : 0);
      if (drawn.chance(dropProbability)) {
        delivery.state = 'dropped';
        return;
      }
      pending.track(run(target, delivery, delay()));
      if (drawn.chance(duplicateProbability)) pending.track(run(target, open(target, payload, true), delay()));
    },
    handshake: async (target) => {
      const delivery = open(target, { verification_token: target.verificationToken }, false);
      pending.begin();
      try {
        delivery.state = (await attempt(target, delivery)) ? 'delivered' : 'failed';
      } finally {
        pending.end();
      }
      return delivery;
    },
    log: () => log.slice(-remembered).map((delivery) => ({ ...delivery })),
    clearLog: () => {
      log = [];
    },
    stop: () => stopped.abort(),
  };
}
