import { randomUUID } from 'node:crypto';
import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import { createEventCodec } from '@notion-mirror/event-log/event-codec';
import { toRecord } from '@notion-mirror/event-log/event-record';
import type { OutgoingRecord } from '@notion-mirror/event-log/log-record';
import { topicsFor } from '@notion-mirror/event-log/topics';

/** As many tenants as a busy log has at a time. */
const tenants = 200;
/** Makes the Avro value about 1.1 KB, in a field that nothing else repeats. */
const padding = 'x'.repeat(750);

type EventEncoder = (event: DatabaseEvent) => OutgoingRecord;

/** The records that the ingress would append for events. Rejects when the registry is away or does not know the subject. */
export async function eventEncoder(of: { readonly topicPrefix: string; readonly schemaRegistryUrl: string }): Promise<EventEncoder> {
  const { events: topic, eventsSubject: subject } = topicsFor(of.topicPrefix);
  const schemaRegistry = { url: of.schemaRegistryUrl, username: null, password: null };
  const codec = await createEventCodec({ schemaRegistry, subject });
  return (event) => toRecord({ topic, event, codec });
}

/** The record of an event on a database of its own: a value of about 1.1 KB, and headers. */
export function eventRecord(encode: EventEncoder, n: number): OutgoingRecord {
  const now = new Date();
  return encode({
    eventId: randomUUID(),
    kind: 'sync',
    type: 'database.content_updated',
    workspaceId: `tenant-${n % tenants}`,
    connectionId: `tenant-${n % tenants}-connection`,
    providerConfigKey: `notion-${padding}`,
    notionWorkspaceId: randomUUID(),
    databaseId: randomUUID(),
    dataSourceId: null,
    occurredAt: now,
    receivedAt: now,
    origin: 'nango',
  });
}
