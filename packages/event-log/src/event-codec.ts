import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import { databaseEventContract } from '@notion-mirror/schemas/contract';
import { z } from 'zod';
import { createAvroCodec, describeIssues, poison, type AvroCodec, type Undecoded } from './avro-codec.ts';
import type { SchemaRegistrySettings } from './schema-registry.ts';

export type DecodeResult = { readonly kind: 'event'; readonly event: DatabaseEvent } | Undecoded;

/** Values of the log. */
export interface EventCodec extends Pick<AvroCodec, 'schemaId'> {
  /** Throws on an event that `decode` would call invalid. */
  encode(event: DatabaseEvent): Buffer;
  /** Any version of the schema that the registry knows. Never rejects. */
  decode(value: Buffer): Promise<DecodeResult>;
}

/** As `createAvroCodec`. */
export async function createEventCodec(options: { schemaRegistry: SchemaRegistrySettings; subject: string }): Promise<EventCodec> {
  const codec = await createAvroCodec({ ...options, contract: databaseEventContract(), what: 'database event' });

  return {
    schemaId: codec.schemaId,

    encode(event) {
      const value = { ...event, occurredAt: event.occurredAt.getTime(), receivedAt: event.receivedAt.getTime() };
      const valid = eventSchema.safeParse(value);
      if (!valid.success) throw new Error(`not a valid event: ${describeIssues(valid.error, 'event')}`);
      return codec.encode(value);
    },

    async decode(value) {
      const decoded = await codec.decode(value);
      if (decoded.kind !== 'value') return decoded;
      const parsed = eventSchema.safeParse(decoded.value);
      return parsed.success ? { kind: 'event', event: parsed.data } : poison('invalid_event', describeIssues(parsed.error, 'event'));
    },
  };
}

const id = z
  .string()
  .max(1_000)
  .refine((text) => text.trim() !== '' && !text.includes('\0'), 'is empty or holds a NUL');
const time = z
  .number()
  .int()
  .min(0)
  .max(8.64e15)
  .transform((milliseconds) => new Date(milliseconds));

const eventSchema = z
  .object({
    eventId: id,
    kind: z.enum(['sync', 'delete', 'row_sync', 'row_delete']),
    type: id,
    workspaceId: id,
    connectionId: id,
    providerConfigKey: id,
    notionWorkspaceId: id,
    databaseId: id.nullable(),
    dataSourceId: id.nullable(),
    pageId: id.nullable().default(null),
    occurredAt: time,
    receivedAt: time,
    origin: z.enum(['nango', 'notion', 'recheck', 'reconcile', 'operator', 'dependency']),
  })
  .refine(
    ({ databaseId, dataSourceId, pageId }) => databaseId !== null || dataSourceId !== null || pageId !== null,
    'names neither a database nor a data source nor a page',
  );
