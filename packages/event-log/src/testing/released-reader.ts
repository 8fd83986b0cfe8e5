import { databaseEventContract, type Contract } from '@notion-mirror/schemas/contract';
import { createAvroCodec } from '../avro-codec.ts';
import type { LogRecord } from '../log-record.ts';
import type { SchemaRegistrySettings } from '../schema-registry.ts';

/** What a worker of version 0.1.0 does with a record. `work`: it handles the event as this kind. */
export type ReleasedRouting =
  | { readonly kind: 'pass' }
  | { readonly kind: 'dead'; readonly code: string }
  | { readonly kind: 'work'; readonly task: string; readonly as: 'sync' | 'delete' };

/** The routing of version 0.1.0, as it was released: it knows the schema's first version, and the headers `sync` and `delete`. For tests. */
export async function releasedReader(
  schemaRegistry: SchemaRegistrySettings,
  subject: string,
): Promise<(mine: 'sync' | 'delete', record: LogRecord) => Promise<ReleasedRouting>> {
  const codec = await createAvroCodec({ schemaRegistry, subject, contract: firstVersion(databaseEventContract()), what: 'database event' });

  return async function route(mine, record) {
    const header = record.headers['mirror-kind'];
    const known = header === 'sync' || header === 'delete';
    if (known && header !== mine) return { kind: 'pass' };
    const isMine = known || mine === 'sync';
    const decoded = await codec.decode(record.value ?? Buffer.alloc(0));
    if (decoded.kind === 'unavailable') throw decoded.error;
    if (decoded.kind === 'poison') return isMine ? { kind: 'dead', code: decoded.code } : { kind: 'pass' };
    const { kind, databaseId, dataSourceId } = decoded.value as ReleasedEvent;
    if (databaseId === null && dataSourceId === null) return isMine ? { kind: 'dead', code: 'invalid_event' } : { kind: 'pass' };
    if (known && kind !== header) return { kind: 'dead', code: 'kind_mismatch' };
    if (kind !== mine) return { kind: 'pass' };
    return { kind: 'work', task: databaseId ?? `data-source:${dataSourceId}`, as: kind };
  };
}

interface ReleasedEvent {
  readonly kind: 'sync' | 'delete';
  readonly databaseId: string | null;
  readonly dataSourceId: string | null;
}

function firstVersion({ name, versions }: Contract): Contract {
  const [first] = versions;
  if (first === undefined) throw new Error(`${name} has no version`);
  return { name, versions: [first], latest: first };
}
