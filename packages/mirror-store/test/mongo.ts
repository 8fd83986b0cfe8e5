import type { DatabaseContent } from '@notion-mirror/domain/database-content';
import { createLogger, type Logger } from '@notion-mirror/service-kit/logger';
import { randomUUID } from 'node:crypto';
import { inject } from 'vitest';
import { openMongo, type Mongo } from '../src/client.ts';
import { databaseStorage } from '../src/entities/database.ts';
import { rowStorage } from '../src/entities/row.ts';
import type { EventOutcome } from '../src/event-outcomes.ts';
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

/** A small database with one accessible and one missing data source. */
export function someContent(change: Partial<DatabaseContent> = {}): DatabaseContent {
  return {
    title: 'Tasks',
    description: '',
    url: 'https://www.notion.so/tasks',
    publicUrl: null,
    icon: { type: 'emoji', emoji: '✅' },
    cover: null,
    parent: { type: 'page_id', id: '255104cd-477e-808c-b279-d39ab803a7d2' },
    isInline: false,
    isLocked: true,
    createdTime: new Date('2025-08-07T17:11:07.504Z'),
    lastEditedTime: new Date('2025-08-10T22:53:11.386Z'),
    dataSources: [
      {
        id: 'source-1',
        name: 'Tasks',
        title: 'Tasks of the team',
        description: 'what to do',
        icon: null,
        cover: null,
        url: 'https://www.notion.so/source-1',
        parent: { type: 'database_id', id: 'database-1' },
        createdTime: new Date('2025-08-07T17:11:07.504Z'),
        lastEditedTime: null,
        inTrash: false,
        properties: [
          { id: 'title', name: 'Name', type: 'title', description: null, config: {} },
          { id: 'fk%5EY', name: 'In stock', type: 'checkbox', description: 'is it?', config: {} },
        ],
      },
      { id: 'source-2', name: 'Hidden', accessible: false },
    ],
    raw: {
      database: { object: 'database', created_time: '2025-08-07T10:11:07.504-07:00' },
      dataSources: [
        { object: 'data_source', id: 'source-1', properties: { 'In stock': { id: 'fk%5EY', type: 'checkbox', checkbox: {} } } },
      ],
    },
    ...change,
  };
}

/** The outcome of a written sync event. */
export function someOutcome(eventId: string, given: Partial<EventOutcome> = {}): EventOutcome {
  return {
    service: 'sync-worker',
    eventId,
    workspaceId: 'acme',
    connectionId: 'c1',
    databaseId: 'd1',
    dataSourceId: null,
    pageId: null,
    kind: 'sync',
    type: 'database.content_updated',
    origin: 'nango',
    occurredAt: new Date(1_000),
    receivedAt: new Date(2_000),
    outcome: 'written',
    reason: null,
    at: new Date(),
    place: { partition: 1, offset: 2, appendedAt: new Date(3_000) },
    waitedMs: 4,
    attempts: 1,
    coalescedInto: null,
    fetch: { requestId: 'r1', calls: 2, ms: 30 },
    record: { databaseId: 'd1', pageId: null, rev: 5, asOf: new Date(4_000), ms: 6 },
    isUnannounced: false,
    state: null,
    failure: null,
    ...given,
  };
}
