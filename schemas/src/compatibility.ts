import type { Contract, SchemaVersion } from './contract.ts';

/**
 * FULL_TRANSITIVE, offline: every version must read the values of every other version, so that writers and readers deploy in any order and
 * the whole log stays readable. Returns one sentence for each incompatible pair; empty when there is none.
 */
export function incompatibilities(contract: Contract): string[] {
  const pairs = contract.versions.flatMap((reader) => contract.versions.map((writer) => ({ reader, writer })));
  return pairs.flatMap(({ reader, writer }) => {
    const reason = unreadable(reader, writer);
    return reason === null ? [] : [`${reader.file} cannot read what ${writer.file} writes: ${reason}`];
  });
}

function unreadable(reader: SchemaVersion, writer: SchemaVersion): string | null {
  try {
    reader.type.createResolver(writer.type);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
