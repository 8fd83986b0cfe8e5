import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import type { Contract, SchemaVersion } from './contract.ts';

/**
 * A value written by a released version: `fixtures/v<version>-<what>.json` and the same value as Avro bytes (no frame) in `.avro`. Production
 * logs hold such bytes, so every version must still read them.
 */
export interface GoldenValue {
  readonly version: number;
  /** Path below the schemas folder, without its extension. */
  readonly file: string;
  readonly value: Record<string, unknown>;
  /** Null before the version is released. */
  readonly bytes: Buffer | null;
}

export function loadGoldenValues(name: string, folder: string): GoldenValue[] {
  const fixtures = `${folder}/${name}/fixtures`;
  if (!existsSync(fixtures)) return [];
  return readdirSync(fixtures)
    .toSorted()
    .flatMap((entry) => {
      const [, digits, what] = /^v([1-9]\d*)-([\w-]+)\.json$/.exec(entry) ?? [];
      if (digits === undefined || what === undefined) return [];
      const file = `${name}/fixtures/v${digits}-${what}`;
      const value = JSON.parse(readFileSync(`${folder}/${file}.json`, 'utf8')) as Record<string, unknown>;
      const bytes = existsSync(`${folder}/${file}.avro`) ? readFileSync(`${folder}/${file}.avro`) : null;
      return [{ version: Number(digits), file, value, bytes }];
    });
}

/** One sentence for each golden value that its own or a later version does not read back unchanged, or that an earlier one cannot read at all. */
export function unreadableGoldenValues(contract: Contract, goldenValues: readonly GoldenValue[]): string[] {
  return goldenValues.flatMap((golden) => {
    const { bytes } = golden;
    const writer = contract.versions.find(({ version }) => version === golden.version);
    if (bytes === null) return [`${golden.file}.avro is missing`];
    if (writer === undefined) return [`${golden.file}: there is no version ${golden.version}`];
    return contract.versions.flatMap((reader) => {
      const reason = difference(reader, writer, golden.value, bytes);
      return reason === null ? [] : [`${reader.file} does not read ${golden.file}.avro: ${reason}`];
    });
  });
}

function difference(reader: SchemaVersion, writer: SchemaVersion, expected: Record<string, unknown>, bytes: Buffer): string | null {
  try {
    const resolver = reader === writer ? undefined : reader.type.createResolver(writer.type);
    // avsc returns records as class instances.
    const read = JSON.parse(JSON.stringify(reader.type.fromBuffer(bytes, resolver))) as Record<string, unknown>;
    // An earlier reader sees defaults for unknown symbols. A later one may have dropped or added fields, at any depth; the others must be equal.
    if (reader.version < writer.version) return null;
    const names = [...new Set([...Object.keys(read), ...Object.keys(expected)])];
    const isRead = reader === writer ? isDeepStrictEqual : holdsCommonFields;
    const wrong = names.filter((name) => (reader === writer || (name in read && name in expected)) && !isRead(read[name], expected[name]));
    return wrong.length === 0 ? null : `${wrong.join(', ')} differ`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Whether two values are equal except for fields that only one of them has. */
function holdsCommonFields(read: unknown, expected: unknown): boolean {
  if (Array.isArray(read) && Array.isArray(expected)) {
    return read.length === expected.length && read.every((item, index) => holdsCommonFields(item, expected[index]));
  }
  if (!isRecord(read) || !isRecord(expected)) return isDeepStrictEqual(read, expected);
  return Object.keys(read).every((name) => !(name in expected) || holdsCommonFields(read[name], expected[name]));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
