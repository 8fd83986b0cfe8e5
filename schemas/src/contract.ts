import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import avro from 'avsc';

/** One version of a contract: `text` is the file as released, `type` the same, compiled. */
export interface SchemaVersion {
  readonly version: number;
  /** Path below the schemas folder, e.g. `database-event/v1.avsc`. */
  readonly file: string;
  readonly text: string;
  readonly type: avro.Type;
}

/** The schema of a topic's values: every version ever released, oldest first. */
export interface Contract {
  readonly name: string;
  readonly versions: readonly SchemaVersion[];
  readonly latest: SchemaVersion;
}

/** The schemas folder, with one folder of versions per contract. */
export const schemasFolder = fileURLToPath(new URL('..', import.meta.url));

/** Reads `<folder>/<name>/v1.avsc`, `v2.avsc`, …. Throws when there is none, one is missing in between, or one is not an Avro record. */
export function loadContract(name: string, folder: string = schemasFolder): Contract {
  const numbers = readdirSync(`${folder}/${name}`)
    .map((entry) => /^v([1-9]\d*)\.avsc$/.exec(entry)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number)
    .toSorted((a, b) => a - b);
  const versions = numbers.map((version): SchemaVersion => {
    const file = `${name}/v${version}.avsc`;
    const text = readFileSync(`${folder}/${file}`, 'utf8');
    return { version, file, text, type: compile(file, text) };
  });
  const latest = versions.at(-1);
  if (latest === undefined) throw new Error(`${name}: no schema version found`);
  if (latest.version !== versions.length) throw new Error(`${name}: versions must be v1 to v${latest.version} without a gap`);
  return { name, versions, latest };
}

/** The values of the topic `notion.database-events`. */
export function databaseEventContract(): Contract {
  return loadContract('database-event');
}

/** The values of the topic `notion.database-states`. */
export function databaseStateContract(): Contract {
  return loadContract('database-state');
}

/** The values of the topic `notion.row-states`. */
export function rowStateContract(): Contract {
  return loadContract('row-state');
}

function compile(file: string, text: string): avro.Type {
  try {
    const type = avro.Type.forSchema(JSON.parse(text) as avro.Schema);
    if (type.typeName !== 'record') throw new Error('the top type is not a record');
    return type;
  } catch (error) {
    throw new Error(`${file} is not a valid Avro schema: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
