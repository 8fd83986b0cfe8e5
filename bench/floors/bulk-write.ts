// MongoDB's limit: documents as the sync-worker writes them, under the same condition, into the same collection with the same indexes,
// many at a time over few connections, confirmed by the majority. In: a task as JSON on stdin. Out: its figures, as JSON on stdout.
import { json } from 'node:stream/consumers';
import { openMongo } from '@notion-mirror/mirror-store/client';
import { keyOf } from '@notion-mirror/domain/entity';
import { databaseStorage } from '@notion-mirror/mirror-store/entities/database';
import { liveDocument, type RecordDocument } from '@notion-mirror/mirror-store/records/record-document';
import { z } from 'zod';
import { answeredContent, newDatabaseId } from '../notion-answers.ts';

const task = z
  .object({
    /** Names the MongoDB database; the collection and its indexes are there. */
    uri: z.string(),
    documents: z.number().int().max(1_000_000),
    /** In one command. */
    atATime: z.number().int().max(10_000),
    connections: z.number().int().max(64),
  })
  .parse(await json(process.stdin));

const mongo = await openMongo(task.uri, { appName: 'bench' });
const records = mongo.db.collection<RecordDocument>('database_records');
const now = new Date();
const { _id: _, ...template } = liveDocument(
  databaseStorage,
  {
    workspaceId: 'tenant-0',
    id: '',
    content: answeredContent(newDatabaseId()),
    connectionId: 'tenant-0-connection',
    asOf: now,
    lastEvent: { id: 'event', type: 'database.content_updated', occurredAt: now },
  },
  1,
  now,
);

/** One command. Rev 0: the record does not exist. */
async function writeSome(count: number): Promise<void> {
  const writes = Array.from({ length: count }, (_each, n) => {
    const workspaceId = `tenant-${n % 200}`;
    const databaseId = newDatabaseId();
    const filter = { _id: keyOf({ workspaceId, id: databaseId }), rev: 0 };
    return { replaceOne: { filter, replacement: { ...template, workspaceId, databaseId }, upsert: true } };
  });
  await records.bulkWrite(writes, { ordered: false });
}

let left = task.documents;
async function writeAll(): Promise<void> {
  while (left > 0) {
    const count = Math.min(left, task.atATime);
    left -= count;
    await writeSome(count);
  }
}

const cpuBefore = process.cpuUsage();
const began = performance.now();
await Promise.all(Array.from({ length: task.connections }, writeAll));
const seconds = (performance.now() - began) / 1_000;
const { user, system } = process.cpuUsage(cpuBefore);
await mongo.close();
process.stdout.write(JSON.stringify({ perSecond: task.documents / seconds, cpuMicroseconds: (user + system) / task.documents }));
