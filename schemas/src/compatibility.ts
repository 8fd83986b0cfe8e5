import type { Contract, SchemaVersion } from './contract.ts';

/**
 * FULL_TRANSITIVE, offline: every version must read what every other version writes, so that writers and readers deploy in any order and
 * the whole log can be read again. Returns one sentence for each pair that cannot; empty when all can.
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
