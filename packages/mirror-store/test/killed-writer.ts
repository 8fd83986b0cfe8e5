// A writer of one record that is killed at one command of its transaction: `killed-writer.ts <uri> <write as JSON> <command>`.
import type { DatabaseContent } from '@notion-mirror/domain/database-content';
import { Registry } from '@notion-mirror/service-kit/metrics';
import { MongoClient } from 'mongodb';
import { databaseStorage } from '../src/entities/database.ts';
import { createRecordStore } from '../src/records/record-store.ts';

const [uri = '', json = '', killAt = ''] = process.argv.slice(2);
const { workspaceId, id, content } = JSON.parse(json) as {
  readonly workspaceId: string;
  readonly id: string;
  readonly content: DatabaseContent;
};

const client = new MongoClient(uri, { appName: 'killed-writer', monitorCommands: true });
// A command is announced before it is sent.
client.on('commandStarted', ({ commandName, command }) => {
  if ([commandName, command['update']].join(' ').trim() === killAt) process.kill(process.pid, 'SIGKILL');
});
client.on('commandSucceeded', ({ commandName }) => {
  if (`${commandName} succeeded` === killAt) process.kill(process.pid, 'SIGKILL');
});

const records = createRecordStore(databaseStorage, { db: client.db(), metrics: new Registry() });
const times = { createdTime: null, lastEditedTime: null };
await records.writeLive({
  workspaceId,
  id,
  expected: await records.read({ workspaceId, id }),
  content: { ...content, ...times, dataSources: content.dataSources.map((source) => ({ ...source, ...times })) },
  connectionId: 'c1',
  asOf: new Date(),
  lastEvent: { id: 'of the killed', type: 'data_source.schema_updated', occurredAt: new Date() },
});
process.stdout.write('survived');
