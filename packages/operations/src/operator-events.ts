import { randomUUID } from 'node:crypto';
import type { Connection } from '@notion-mirror/domain/connection';
import type { EntityKind } from '@notion-mirror/domain/entity';
import { syncEventFor } from '@notion-mirror/domain/sync-event';
import type { OperationContext } from './operation-context.ts';
import { sendingEvents } from './operator-tracing.ts';
import pMap from 'p-map';

export interface SyncRequest {
  readonly connection: Connection;
  readonly kind: EntityKind;
  readonly id: string;
}

const atOnce = 100;

/** Appends one sync event of origin `operator` per request. Resolves to their number when they are durable; rejects with PublishError. */
export async function appendOperatorSyncs(context: OperationContext, type: string, requests: readonly SyncRequest[]): Promise<number> {
  const run = randomUUID();
  await sendingEvents(context, type, { 'notion_mirror.events': requests.length }, async ({ send, trace }) => {
    const append = async ({ connection, kind, id }: SyncRequest): Promise<void> => {
      const about = { eventId: `${run}:${id}`, type, ...kind.targetOf(id), origin: 'operator', trace } as const;
      await send(syncEventFor(connection, about, new Date()));
    };
    await pMap(requests, append, { concurrency: atOnce });
  });
  return requests.length;
}
