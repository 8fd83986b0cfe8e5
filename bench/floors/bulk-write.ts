// MongoDB's limit: documents as the sync-worker writes them, under the same condition, into the same collection with the same indexes,
// many at a time over few connections, confirmed by the majority. In: a task as JSON on stdin. Out: its figures, as JSON on stdout.
import { json } from 'node:stream/consumers';
import { openMongo } from '@notion-mirror/mirror-store/client';
import { keyOf } from '@notion-mirror/domain/entity';
import { databaseStorage } from '@notion-mirror/mirror-store/entities/database';
import { rowStorage } from '@notion-mirror/mirror-store/entities/row';
import { liveDocument, type RecordDocument } from '@notion-mirror/mirror-store/records/record-document';
import { z } from 'zod';
import { answeredContent, newDatabaseId } from '../notion-answers.ts';
import { answeredRow, createdTimeOf, newTable, pageIdOf } from '../row-answers.ts';

const task = z
  .object({
    /** Names the MongoDB database; the collection and its indexes are there. */
    uri: z.string(),
    of: z.enum(['databases', 'rows']),
    documents: z.number().int().max(1_000_000),
    /** In one command. */
    atATime: z.number().int().max(10_000),
    connections: z.number().int().max(64),
  })
  .parse(await json(process.stdin));

const mongo = await openMongo(task.uri, { appName: 'bench' });
const { collection } = task.of === 'rows' ? rowStorage : databaseStorage;
const records = mongo.db.collection<RecordDocument>(collection);
const now = new Date();
const about = {
  connectionId: 'tenant-0-connection',
  asOf: now,
  lastEvent: { id: 'event', type: 'database.content_updated', occurredAt: now },
};

/** The documents differ in their ids, and rows in what orders them, too. */
const documentOf = { databases: databaseDocuments(), rows: rowDocuments() }[task.of];

function databaseDocuments(): (n: number) => RecordDocument {
  const content = answeredContent(newDatabaseId());
  const template = liveDocument(databaseStorage, { ...about, workspaceId: 'tenant-0', id: '', content }, 1, now);
  return (n) => {
    const ref = { workspaceId: `tenant-${n % 200}`, id: newDatabaseId() };
    return { ...template, _id: keyOf(ref), workspaceId: ref.workspaceId, databaseId: ref.id };
  };
}

function rowDocuments(): (n: number) => RecordDocument {
  const { dataSourceId } = newTable(task.documents);
  const template = liveDocument(rowStorage, { ...about, workspaceId: 'tenant-0', id: '', content: answeredRow(dataSourceId, 0) }, 1, now);
  return (n) => {
    const ref = { workspaceId: 'tenant-0', id: pageIdOf(dataSourceId, n) };
    return { ...template, _id: keyOf(ref), pageId: ref.id, createdTime: new Date(createdTimeOf(n)) };
  };
}

/** One command. Rev 0: the record does not exist. */
async function writeSome(first: number, count: number): Promise<void> {
  const writes = Array.from({ length: count }, (_each, n) => {
    const { _id, ...replacement } = documentOf(first + n);
    return { replaceOne: { filter: { _id, rev: 0 }, replacement, upsert: true } };
  });
  await records.bulkWrite(writes, { ordered: false });
}

let left = task.documents;
async function writeAll(): Promise<void> {
  while (left > 0) {
    const count = Math.min(left, task.atATime);
    const first = task.documents - left;
    left -= count;
    await writeSome(first, count);
  }
}

const cpuBefore = process.cpuUsage();
const began = performance.now();
await Promise.all(Array.from({ length: task.connections }, writeAll));
const seconds = (performance.now() - began) / 1_000;
const { user, system } = process.cpuUsage(cpuBefore);
await mongo.close();
process.stdout.write(JSON.stringify({ perSecond: task.documents / seconds, cpuMicroseconds: (user + system) / task.documents }));
