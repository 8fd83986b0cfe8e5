import { randomUUID } from 'node:crypto';
import type { Connection } from '@notion-mirror/domain/connection';
import type { EntityKind } from '@notion-mirror/domain/entity';
import { syncEventFor } from '@notion-mirror/domain/sync-event';
import { toRecord } from '@notion-mirror/event-log/event-record';
import { topicsFor } from '@notion-mirror/event-log/topics';
import type { OperationContext } from './operation-context.ts';
import { tracingOff } from '@notion-mirror/service-kit/tracing/tracing';
import pMap from 'p-map';
import { eventCodecOf, openPublisher } from './servers.ts';

export interface SyncRequest {
  readonly connection: Connection;
  readonly kind: EntityKind;
  readonly id: string;
}

const atOnce = 100;

/** Appends one sync event of origin `operator` per request. Resolves to their number when they are durable; rejects with PublishError. */
export async function appendOperatorSyncs(context: OperationContext, type: string, requests: readonly SyncRequest[]): Promise<number> {
  const topic = topicsFor(context.config.topicPrefix).events;
  const codec = await eventCodecOf(context);
  const publisher = await openPublisher(context);
  const run = randomUUID();
  const trace = tracingOff.newTrace();
  try {
    const append = async ({ connection, kind, id }: SyncRequest): Promise<void> => {
      const about = { eventId: `${run}:${id}`, type, ...kind.targetOf(id), origin: 'operator', trace } as const;
      const event = syncEventFor(connection, about, new Date());
      await publisher.publish(toRecord({ topic, event, codec }));
    };
    await pMap(requests, append, { concurrency: atOnce });
  } finally {
    await publisher.stop();
  }
  return requests.length;
}
