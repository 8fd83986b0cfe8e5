import { randomUUID } from 'node:crypto';
import type { Connection } from '@notion-mirror/domain/connection';
import { syncEventFor } from '@notion-mirror/domain/sync-event';
import { createEventCodec } from '@notion-mirror/event-log/event-codec';
import { toRecord } from '@notion-mirror/event-log/event-record';
import { createPublisher } from '@notion-mirror/event-log/publisher';
import { topicsFor } from '@notion-mirror/event-log/topics';
import { Registry } from '@notion-mirror/service-kit/metrics';
import type { OperationContext } from './operation-context.ts';
import pMap from 'p-map';
import { kafkaOf } from './servers.ts';

export interface SyncRequest {
  readonly connection: Connection;
  readonly databaseId: string;
}

const atOnce = 100;

/** Appends a sync event of origin `operator` for each. Resolves to how many, when they are durable; rejects with PublishError. */
export async function appendOperatorSyncs(context: OperationContext, type: string, requests: readonly SyncRequest[]): Promise<number> {
  const { config, logger } = context;
  const topics = topicsFor(config.topicPrefix);
  const codec = await createEventCodec({ schemaRegistry: config.schemaRegistry, subject: topics.eventsSubject });
  const publisher = await createPublisher({ kafka: kafkaOf(context), logger, metrics: new Registry(), deadlineMs: 10_000 });
  const run = randomUUID();
  try {
    const append = async ({ connection, databaseId }: SyncRequest): Promise<void> => {
      const about = { eventId: `${run}:${databaseId}`, type, databaseId, dataSourceId: null, origin: 'operator' } as const;
      const event = syncEventFor(connection, about, new Date());
      await publisher.publish(toRecord({ topic: topics.events, event, codec }));
    };
    await pMap(requests, append, { concurrency: atOnce });
  } finally {
    await publisher.stop();
  }
  return requests.length;
}
