import { MongoClient, type CommandStartedEvent, type Db, type Document } from 'mongodb';
import { databaseStorage } from '../src/entities/database.ts';
import { rowStorage } from '../src/entities/row.ts';
import { uriOf } from './mongo.ts';

/** Collections that may be sharded, by `_id`, and the views of them: docs/scaling.md. */
const sharded: ReadonlySet<unknown> = new Set(
  [databaseStorage, rowStorage].flatMap(({ collection, shadowCollection, view }) => [collection, shadowCollection, view]),
);

/**
 * What a command selects from a sharded collection without a condition on `_id`: mongos would send it to all shards. Works for commands as a client sends them, and
 * as MongoDB's profiler keeps them.
 */
export function unroutedFilters(command: Document): Document[] {
  const [name] = Object.keys(command);
  const target: unknown = name === undefined ? null : command[name];
  if (!sharded.has(target)) return [];
  return filtersOf(command).filter((filter) => !isRouted(filter));
}

function filtersOf(command: Document): Document[] {
  if ('find' in command) return [command['filter'] ?? {}];
  if ('distinct' in command || 'count' in command || 'findAndModify' in command) return [command['query'] ?? {}];
  if ('update' in command) return (command['updates'] as Document[]).map(({ q }) => q as Document);
  if ('delete' in command) return (command['deletes'] as Document[]).map(({ q }) => q as Document);
  if ('aggregate' in command) {
    const [first] = command['pipeline'] as Document[];
    // A change stream follows all shards.
    return first !== undefined && '$changeStream' in first ? [] : [(first?.['$match'] as Document | undefined) ?? {}];
  }
  return [];
}

function isRouted({ _id, $or }: Document): boolean {
  if (Array.isArray($or)) return $or.length > 0 && $or.every(isRouted);
  if (typeof _id !== 'object' || _id === null) return typeof _id === 'string';
  return Array.isArray(_id.$in) || (typeof _id.$gte === 'string' && typeof _id.$lt === 'string');
}

/** A client of the database that records its commands. */
export async function openRecorded(database: string): Promise<{
  readonly db: Db;
  /** Those since the last call. */
  commands(): readonly Document[];
  close(): Promise<void>;
}> {
  const client = new MongoClient(uriOf(database), { monitorCommands: true });
  let seen: Document[] = [];
  client.on('commandStarted', ({ command }: CommandStartedEvent) => void seen.push(command));
  await client.connect();
  return {
    db: client.db(database),
    commands() {
      const all = seen;
      seen = [];
      return all;
    },
    close: () => client.close(),
  };
}
