import type { LiveState, Sight } from '@notion-mirror/domain/entity-state';
import { createAvroCodec, poison, type AvroCodec, type Undecoded } from './avro-codec.ts';
import type { SchemaRegistrySettings } from './schema-registry.ts';
import { stateLogOf, type StateContract } from './state-contract.ts';

export type StateDecodeResult<Content> = { readonly kind: 'state'; readonly state: LiveState<Content> } | Undecoded;

/** Values of the state log of one kind of entity. */
export interface StateCodec<Content> extends Pick<AvroCodec, 'schemaId'> {
  encode(state: LiveState<Content>): Buffer;
  /** Any version of the schema that the registry knows. Never rejects. */
  decode(value: Buffer): Promise<StateDecodeResult<Content>>;
}

/** The fields that the states of every kind have, alongside the id and the content. Times in milliseconds. */
interface AvroState {
  readonly workspaceId: string;
  readonly rev: number;
  readonly asOf: number;
  readonly syncedAt: number;
  readonly connectionId: string | null;
  readonly lastEvent: { readonly id: string; readonly type: string; readonly occurredAt: number } | null;
  readonly seenBy?: Sight;
  readonly isListed?: boolean;
  readonly [field: string]: unknown;
}

/** As `createAvroCodec`. */
export async function createStateCodec<Content>(
  schemaRegistry: SchemaRegistrySettings,
  topicPrefix: string,
  contract: StateContract<Content>,
): Promise<StateCodec<Content>> {
  const { kind } = contract;
  const { subject } = stateLogOf(topicPrefix, contract);
  const codec = await createAvroCodec({ schemaRegistry, subject, contract: contract.schema(), what: `${kind.name} state` });

  function toAvro(state: LiveState<Content>): AvroState {
    const { workspaceId, id, rev, asOf, syncedAt, connectionId, lastEvent, seenBy, isListed, content } = state;
    return {
      ...contract.toAvro(content),
      workspaceId,
      [kind.idField]: id,
      rev,
      asOf: asOf.getTime(),
      syncedAt: syncedAt.getTime(),
      connectionId,
      lastEvent: lastEvent && { ...lastEvent, occurredAt: lastEvent.occurredAt.getTime() },
      ...(seenBy === undefined ? {} : { seenBy }),
      ...(isListed === undefined ? {} : { isListed }),
    };
  }

  function fromAvro(value: AvroState): LiveState<Content> {
    const { workspaceId, rev, asOf, syncedAt, connectionId, lastEvent, seenBy, isListed } = value;
    return {
      kind: 'live',
      workspaceId,
      id: String(value[kind.idField]),
      rev,
      asOf: new Date(asOf),
      syncedAt: new Date(syncedAt),
      connectionId,
      lastEvent: lastEvent && { id: lastEvent.id, type: lastEvent.type, occurredAt: new Date(lastEvent.occurredAt) },
      ...(seenBy === undefined ? {} : { seenBy }),
      ...(isListed === false ? { isListed } : {}),
      content: contract.fromAvro(value),
    };
  }

  return {
    schemaId: codec.schemaId,
    encode: (state) => codec.encode(toAvro(state)),
    async decode(value) {
      const decoded = await codec.decode(value);
      if (decoded.kind !== 'value') return decoded;
      try {
        // Avro has checked every field against the schema.
        return { kind: 'state', state: fromAvro(decoded.value as AvroState) };
      } catch (error) {
        return poison('invalid_state', error instanceof Error ? error.message : String(error));
      }
    },
  };
}
