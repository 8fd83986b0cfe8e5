import { createLogger, type Logger } from '@notion-mirror/service-kit/logger';
import { randomUUID } from 'node:crypto';
import { inject } from 'vitest';
import { openMongo, type Mongo } from '../src/client.ts';
import { databaseStorage } from '../src/entities/database.ts';
import { rowStorage } from '../src/entities/row.ts';
import type { MongoLayout } from '../src/layout.ts';

/** A new MongoDB database on the stack's server, dropped by `drop`. */
export async function openTestDatabase(): Promise<Mongo & { readonly name: string; drop(): Promise<void> }> {
  const name = `mirror_store_${randomUUID().slice(0, 8)}`;
  const mongo = await openMongo(uriOf(name), { appName: 'mirror-store-test' });
  return {
    ...mongo,
    name,
    async drop() {
      await mongo.db.dropDatabase();
      await mongo.close();
    },
  };
}

/** What `mirror init` sets up, with tombstones of an hour. */
export const someLayout: MongoLayout = { storages: [databaseStorage, rowStorage], tombstoneTtlMs: 3_600_000, schemaHistoryMs: 3_600_000 };

export function uriOf(database: string): string {
  const uri = new URL(inject('stack').mongodbUri);
  uri.pathname = `/${database}`;
  return uri.href;
}

/** The same database through another port; the driver must not discover the replica set's own address. */
export function uriThrough(port: number, database: string): string {
  return `mongodb://127.0.0.1:${port}/${database}?directConnection=true`;
}

export function serverAddress(): { readonly host: string; readonly port: number } {
  const { hostname, port } = new URL(inject('stack').mongodbUri);
  return { host: hostname, port: Number(port) };
}

export const silent: Logger = createLogger({ service: 'test', level: 'silent' });
