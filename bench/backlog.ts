import { randomUUID } from 'node:crypto';
import type { System } from '@notion-mirror/demo/system';
import { createEventCodec } from '@notion-mirror/event-log/event-codec';
import { toRecord } from '@notion-mirror/event-log/event-record';
import { createPublisher } from '@notion-mirror/event-log/publisher';
import { topicsFor } from '@notion-mirror/event-log/topics';
import { createMetrics } from '@notion-mirror/service-kit/metrics';
import { kafkaOf, silent } from './bench-kafka.ts';
import { newDatabaseId } from './notion-answers.ts';

interface Tenant {
  readonly workspaceId: string;
  readonly connectionId: string;
  readonly notionWorkspaceId: string;
}

export interface Backlog {
  /** Appends an event for each of `databases` new databases, in turn over the tenants; resolves when all are on the log. */
  append(databases: number): Promise<void>;
  /** Appends an event for this database. */
  announce(tenant: Tenant, databaseId: string): Promise<void>;
  close(): Promise<void>;
}

/** Puts events on a system's log as its ingress would, without the webhooks. */
export async function openBacklog({ env }: System, tenants: readonly Tenant[]): Promise<Backlog> {
  const { events: topic, eventsSubject: subject } = topicsFor(String(env['MIRROR_TOPIC_PREFIX']));
  const schemaRegistry = { url: String(env['MIRROR_SCHEMA_REGISTRY_URL']), username: null, password: null };
  const codec = await createEventCodec({ schemaRegistry, subject });
  const brokers = String(env['MIRROR_KAFKA_BROKERS']).split(',');
  const kafka = kafkaOf(brokers);
  const publisher = await createPublisher({
    kafka,
    logger: silent,
    metrics: createMetrics('bench'),
    deadlineMs: 60_000,
    maxWaiting: 100_000,
  });

  async function announce({ workspaceId, connectionId, notionWorkspaceId }: Tenant, databaseId: string): Promise<void> {
    const now = new Date();
    const event = {
      eventId: randomUUID(),
      kind: 'sync',
      type: 'database.content_updated',
      workspaceId,
      connectionId,
      providerConfigKey: 'notion',
      notionWorkspaceId,
      databaseId,
      dataSourceId: null,
      pageId: null,
      occurredAt: now,
      receivedAt: now,
      origin: 'nango',
    } as const;
    await publisher.publish(toRecord({ topic, event, codec }));
  }

  return {
    async append(databases) {
      for (let from = 0; from < databases; from += 1_000) {
        const some = Array.from({ length: Math.min(1_000, databases - from) }, (_, n) => tenants[(from + n) % tenants.length]);
        await Promise.all(some.flatMap((tenant) => (tenant === undefined ? [] : [announce(tenant, newDatabaseId())])));
      }
    },
    announce,
    close: () => publisher.stop(),
  };
}
