import type { PendingWork } from '../pending-work.ts';
import type { Random } from '../random.ts';
import { aggregate, isAggregated } from './aggregation.ts';
import type { Occurrence } from './announcer.ts';
import type { Delivery, DeliveryService } from './delivery.ts';
import type { WebhookApiVersion } from './webhook-payload.ts';
import { inApiVersion, webhookPayload } from './webhook-payload.ts';
import type { World } from './world.ts';

export interface Subscription {
  readonly id: string;
  readonly integrationId: string;
  readonly url: string;
  readonly apiVersion: WebhookApiVersion;
  /** Null: all types. */
  readonly eventTypes: readonly string[] | null;
  readonly verificationToken: string;
  /** Only an active subscription gets events. Changes made while it is paused are never sent. */
  readonly status: 'pending_verification' | 'active' | 'paused';
}

export interface NewSubscription {
  readonly integrationId: string;
  readonly url: string;
  readonly apiVersion: WebhookApiVersion;
  readonly eventTypes: readonly string[] | null;
  /** Default: random. */
  readonly verificationToken?: string | undefined;
}

export interface Subscriptions {
  /** Sends an occurrence to every matching subscription, now or at the end of its window. */
  publish(occurrence: Occurrence): void;
  add(input: NewSubscription): Promise<{ subscription: Subscription; handshake: Delivery }>;
  /** Posts the verification token again. */
  resend(id: string): Promise<Delivery | undefined>;
  list(): readonly Subscription[];
  /** Undefined for an unknown id. */
  setStatus(id: string, status: 'active' | 'paused'): Subscription | undefined;
  remove(id: string): void;
  clear(): void;
  /** Drops events that still wait for the end of their window. */
  stop(): void;
}

export function createSubscriptions({
  world,
  random,
  deliveries,
  pending,
  aggregationMs,
  leavesTrace,
}: {
  world: World;
  random: Random;
  deliveries: DeliveryService;
  pending: PendingWork;
  aggregationMs: () => number;
  /** Whether an entity of this type is still shown somewhere after it was trashed. */
  leavesTrace: (entityType: Occurrence['entity']['type']) => boolean;
}): Subscriptions {
  const subscriptions = new Map<string, Subscription>();
  const windows = new Map<string, { occurrences: Occurrence[]; timer: NodeJS.Timeout }>();

  const emit = (subscription: Subscription, occurrence: Occurrence) => {
    if (subscriptions.get(subscription.id)?.status !== 'active') return;
    const integration = world.integrations.get(subscription.integrationId);
    const bots = occurrence.seenBy.get(subscription.integrationId) ?? [];
    deliveries.send(
      subscription,
      webhookPayload(occurrence, {
        id: random.uuid(),
        workspaceName: world.workspaces.get(occurrence.workspaceId)?.name ?? '',
        subscription,
        bots: integration?.type === 'public' ? bots : null,
      }),
    );
  };

  const closeWindow = (key: string, subscription: Subscription) => {
    const { occurrences = [] } = windows.get(key) ?? {};
    windows.delete(key);
    const [first] = occurrences;
    const trace = { leavesTrace: first !== undefined && leavesTrace(first.entity.type) };
    for (const occurrence of aggregate(occurrences, trace)) emit(subscription, occurrence);
    pending.end();
  };

  const offer = (subscription: Subscription, occurrence: Occurrence) => {
    if (subscription.status !== 'active') return;
    if (subscription.eventTypes !== null && !subscription.eventTypes.includes(occurrence.type)) return;
    if ((occurrence.seenBy.get(subscription.integrationId) ?? []).length === 0) return;
    const windowMs = aggregationMs();
    if (windowMs === 0 || !isAggregated(occurrence.type)) return emit(subscription, occurrence);
    const key = `${subscription.id} ${occurrence.entity.id}`;
    const window = windows.get(key);
    if (window !== undefined) {
      window.occurrences.push(occurrence);
      return;
    }
    pending.begin();
    windows.set(key, { occurrences: [occurrence], timer: setTimeout(() => closeWindow(key, subscription), windowMs) });
  };

  const stop = () => {
    for (const { timer } of windows.values()) {
      clearTimeout(timer);
      pending.end();
    }
    windows.clear();
  };

  return {
    publish: (occurrence) => {
      for (const subscription of subscriptions.values()) {
        const versioned = inApiVersion(occurrence, subscription.apiVersion);
        if (versioned !== null) offer(subscription, versioned);
      }
    },
    add: async ({ verificationToken = `secret_${random.text(43)}`, ...input }) => {
      const subscription: Subscription = { ...input, id: random.uuid(), verificationToken, status: 'pending_verification' };
      subscriptions.set(subscription.id, subscription);
      return { subscription, handshake: await deliveries.handshake(subscription) };
    },
    resend: async (id) => {
      const subscription = subscriptions.get(id);
      return subscription === undefined ? undefined : deliveries.handshake(subscription);
    },
    list: () => [...subscriptions.values()],
    setStatus: (id, status) => {
      const subscription = subscriptions.get(id);
      if (subscription === undefined) return undefined;
      const changed = { ...subscription, status };
      subscriptions.set(id, changed);
      return changed;
    },
    remove: (id) => {
      subscriptions.delete(id);
    },
    clear: () => {
      stop();
      subscriptions.clear();
    },
    stop,
  };
}
