import { databaseEventContract, type Contract } from '@notion-mirror/schemas/contract';
import { stateLogOf, type StateContract } from './state-contract.ts';
import { topicsFor } from './topics.ts';
import { connectSchemaRegistry, SchemaRegistryError, type SchemaRegistryClient, type SchemaRegistrySettings } from './schema-registry.ts';

/** The only level under which writers and readers deploy in any order and the whole log can be read again. */
export const requiredCompatibility = 'FULL_TRANSITIVE';

export interface SchemaRegistration {
  readonly subject: string;
  /** Before: null when the subject had no level of its own. */
  readonly previousCompatibility: string | null;
  readonly versions: readonly { readonly version: number; readonly id: number; readonly created: boolean }[];
}

/** Every subject of the mirror, and its contract. */
export function schemaSubjects(
  prefix: string,
  states: readonly StateContract<unknown>[],
): { readonly subject: string; readonly contract: Contract }[] {
  return [
    { subject: topicsFor(prefix).eventsSubject, contract: databaseEventContract() },
    ...states.map((contract) => ({ subject: stateLogOf(prefix, contract).subject, contract: contract.schema() })),
  ];
}

/**
 * The deploy step: sets the subject to FULL_TRANSITIVE, then registers every released version in order. Safe to run again. The registry
 * itself refuses a version that is incompatible with one it holds: rejects with SchemaRegistryError (`refused`).
 * `contract`: by default that of the events.
 */
export async function registerSchemas(options: {
  schemaRegistry: SchemaRegistrySettings;
  subject: string;
  contract?: Contract;
}): Promise<SchemaRegistration> {
  const { subject, contract = databaseEventContract() } = options;
  const registry = connectSchemaRegistry(options.schemaRegistry);
  const previousCompatibility = await registry.compatibilityOf(subject);
  if (previousCompatibility !== requiredCompatibility) await registry.setCompatibility(subject, requiredCompatibility);
  const versions: { version: number; id: number; created: boolean }[] = [];
  for (const { version, text } of contract.versions) {
    const known = await idOrNull(registry, subject, text);
    versions.push({ version, id: known ?? (await registry.register(subject, text)), created: known === null });
  }
  return { subject, previousCompatibility, versions };
}

export interface SchemaInspection {
  readonly subject: string;
  readonly compatibility: string | null;
  /** Id null: this version is not registered. */
  readonly versions: readonly { readonly version: number; readonly id: number | null }[];
}

/** Which of our schemas the registry holds; changes nothing. Rejects with SchemaRegistryError when it is unavailable. */
export async function inspectSchemas(options: {
  schemaRegistry: SchemaRegistrySettings;
  subject: string;
  contract?: Contract;
}): Promise<SchemaInspection> {
  const { subject, contract = databaseEventContract() } = options;
  const registry = connectSchemaRegistry(options.schemaRegistry);
  const compatibility = await registry.compatibilityOf(subject);
  const versions = contract.versions.map(async ({ version, text }) => ({
    version,
    id: await idOrNull(registry, subject, text),
  }));
  return { subject, compatibility, versions: await Promise.all(versions) };
}

async function idOrNull(registry: SchemaRegistryClient, subject: string, schema: string): Promise<number | null> {
  try {
    return await registry.idOf(subject, schema);
  } catch (error) {
    if (error instanceof SchemaRegistryError && error.reason === 'unknown') return null;
    throw error;
  }
}
