import type { Contract } from '@notion-mirror/schemas/contract';
import type avro from 'avsc';
import type { z } from 'zod';
import { frameBytes, framed } from './framed.ts';
import { connectSchemaRegistry, SchemaRegistryError, type SchemaRegistryClient, type SchemaRegistrySettings } from './schema-registry.ts';

/**
 * - `poison`: these bytes will never be a value. Codes: `not_framed`, `unknown_schema`, `incompatible_schema`, `undecodable`, and `invalid_event`
 *   or `invalid_state` for what Avro can read and the codec cannot.
 * - `unavailable`: the registry is unavailable; the same bytes may decode later.
 */
export type Undecoded =
  | { readonly kind: 'poison'; readonly code: string; readonly message: string }
  | { readonly kind: 'unavailable'; readonly error: Error };

/** Values of one contract: Avro in Confluent's frame, one zero byte and the schema's id in four bytes, big-endian. */
export interface AvroCodec {
  /** The registry's id of the schema that `encode` writes. */
  readonly schemaId: number;
  /** Throws on a value that does not fit the schema. */
  encode(value: unknown): Buffer;
  /** Any version of the schema that the registry knows, as the newest one reads it. Never rejects. */
  decode(value: Buffer): Promise<{ readonly kind: 'value'; readonly value: unknown } | Undecoded>;
}

/** The deploy step that registers schemas (`mirror init`) has not run against this registry. Retrying does not help. */
export class SchemaNotRegisteredError extends Error {
  override readonly name = 'SchemaNotRegisteredError';
}

/** How long before an id is looked up again: one that the registry does not know, and one for which it was unavailable. */
const unknownIdMs = 10_000;
const unansweredIdMs = 1_000;
const maxRememberedIds = 1_000;

/**
 * Looks the schema's id up once: serving needs no registry then, unless a record was written with another version. `what`: the contract in
 * words. Rejects with SchemaNotRegisteredError, or with SchemaRegistryError while the registry is unavailable.
 */
export async function createAvroCodec(options: {
  readonly schemaRegistry: SchemaRegistrySettings;
  readonly subject: string;
  readonly contract: Contract;
  readonly what: string;
}): Promise<AvroCodec> {
  const registry = connectSchemaRegistry(options.schemaRegistry);
  const { latest } = options.contract;
  const schemaId = await idOf(registry, options.subject, latest.text);
  const findResolver = createResolverCache({ registry, ownId: schemaId, reader: latest.type, what: options.what });

  return {
    schemaId,

    encode: (value) => framed(latest.type, schemaId, value),

    async decode(value) {
      if (value.length < frameBytes || value[0] !== 0)
        return poison('not_framed', 'the value does not begin with the frame of the schema registry');
      const writer = await findResolver(value.readInt32BE(1));
      if (writer.kind !== 'resolver') return writer;
      try {
        return { kind: 'value', value: latest.type.fromBuffer(value.subarray(frameBytes), writer.resolver) };
      } catch (error) {
        return poison('undecodable', messageOf(error));
      }
    },
  };
}

async function idOf(registry: SchemaRegistryClient, subject: string, schema: string): Promise<number> {
  try {
    return await registry.idOf(subject, schema);
  } catch (error) {
    if (!(error instanceof SchemaRegistryError) || error.reason !== 'unknown') throw error;
    throw new SchemaNotRegisteredError(`the schema of ${subject} is not registered: run \`mirror init\``, { cause: error });
  }
}

type WriterResult = { readonly kind: 'resolver'; readonly resolver: avro.Resolver | undefined } | Undecoded;

/** How to read values written with a schema id, as our own schema. Ids that work are remembered for ever, the others for a short time. */
function createResolverCache(deps: {
  registry: SchemaRegistryClient;
  ownId: number;
  reader: avro.Type;
  what: string;
}): (schemaId: number) => Promise<WriterResult> {
  const { registry, ownId, reader, what } = deps;
  const known = new Map<number, WriterResult>([[ownId, { kind: 'resolver', resolver: undefined }]]);
  const unknown = new Map<number, { result: WriterResult; until: number }>();
  const asking = new Map<number, Promise<WriterResult>>();

  return async function findResolver(schemaId) {
    const found = known.get(schemaId);
    if (found !== undefined) return found;
    const bad = unknown.get(schemaId);
    if (bad !== undefined && bad.until > Date.now()) return bad.result;
    let answer = asking.get(schemaId);
    if (answer === undefined) {
      answer = ask(schemaId).finally(() => asking.delete(schemaId));
      asking.set(schemaId, answer);
    }
    return answer;
  };

  async function ask(schemaId: number): Promise<WriterResult> {
    let writer: avro.Type;
    try {
      writer = await registry.schemaOf(schemaId);
    } catch (error) {
      return explain(schemaId, error);
    }
    try {
      const result: WriterResult = { kind: 'resolver', resolver: reader.createResolver(writer) };
      known.set(schemaId, result);
      return result;
    } catch (error) {
      return remember(schemaId, poison('incompatible_schema', `schema ${schemaId} cannot be read as a ${what}: ${messageOf(error)}`));
    }
  }

  async function explain(schemaId: number, error: unknown): Promise<WriterResult> {
    const unavailable: WriterResult = { kind: 'unavailable', error: error instanceof Error ? error : new Error(String(error)) };
    if (!(error instanceof SchemaRegistryError)) return remember(schemaId, unavailable);
    if (error.reason !== 'unknown' && error.reason !== 'unusable') return remember(schemaId, unavailable);
    // A registry that has lost its data, or is still loading it, answers 404 too. If it does not know our own schema either, the 404 is not trusted.
    try {
      await registry.freshSchemaOf(ownId);
    } catch {
      return remember(schemaId, unavailable);
    }
    return remember(schemaId, poison(error.reason === 'unknown' ? 'unknown_schema' : 'incompatible_schema', error.message));
  }

  function remember(schemaId: number, result: WriterResult): WriterResult {
    const [oldest] = unknown.keys();
    if (oldest !== undefined && unknown.size >= maxRememberedIds) unknown.delete(oldest);
    unknown.set(schemaId, { result, until: Date.now() + (result.kind === 'unavailable' ? unansweredIdMs : unknownIdMs) });
    return result;
  }
}

export function poison(code: string, message: string): Extract<Undecoded, { kind: 'poison' }> {
  return { kind: 'poison', code, message };
}

/** `whole`: what an issue is about that is about no single field. */
export function describeIssues(error: z.ZodError, whole: string): string {
  return error.issues.map(({ path, message }) => `${path.length === 0 ? whole : path.join('.')} ${message}`).join('; ');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
