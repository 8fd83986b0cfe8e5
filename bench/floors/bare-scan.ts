// The least code that mirrors the rows of a data source: it queries one page after the other and writes each as the product's documents, confirmed by the
// majority, before it asks for the next, since a cursor is in the answer before. No checks, no comparison, no progress that a crash leaves, no state log.
// In: a task as JSON on stdin. Out: its figures, as JSON on stdout.
import { json } from 'node:stream/consumers';
import type { RowContent } from '@notion-mirror/domain/entities/row';
import { openMongo } from '@notion-mirror/mirror-store/client';
import { rowStorage } from '@notion-mirror/mirror-store/entities/row';
import { liveDocument, type RecordDocument } from '@notion-mirror/mirror-store/records/record-document';
import { parsePage, rowContent } from '@notion-mirror/notion-source/row-document';
import { z } from 'zod';

const task = z.object({ uri: z.string(), notionUrl: z.string(), dataSourceId: z.string() }).parse(await json(process.stdin));
const answer = z.object({
  results: z.array(z.record(z.string(), z.json())),
  next_cursor: z.string().nullable(),
  request_status: z.object({}).optional(),
});
type Answer = z.output<typeof answer>;

const mongo = await openMongo(task.uri, { appName: 'bench' });
const records = mongo.db.collection<RecordDocument>(rowStorage.collection);
const sorts = [{ timestamp: 'created_time', direction: 'ascending' }];

async function query(from: string | null, cursor: string | null): Promise<Answer> {
  const response = await fetch(`${task.notionUrl}/v1/data_sources/${task.dataSourceId}/query`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      page_size: 100,
      sorts,
      ...(cursor === null ? {} : { start_cursor: cursor }),
      ...(from === null ? {} : { filter: { timestamp: 'created_time', created_time: { on_or_after: from } } }),
    }),
  });
  return answer.parse(await response.json());
}

function contentOf(page: Answer['results'][number]): RowContent {
  const parsed = parsePage(page, () => '');
  const row = parsed.kind === 'parsed' ? rowContent(parsed.value) : parsed;
  if (row.kind !== 'parsed') throw new Error('the rows of the benchmark are not as Notion answers');
  return row.value;
}

async function write(results: Answer['results']): Promise<void> {
  const now = new Date();
  const about = { workspaceId: 'tenant-0', connectionId: 'tenant-0-connection', asOf: now, lastEvent: null };
  const writes = results.map((page) => {
    const { _id, ...replacement } = liveDocument(
      rowStorage,
      { ...about, id: z.string().parse(page['id']), content: contentOf(page) },
      1,
      now,
    );
    return { replaceOne: { filter: { _id }, replacement, upsert: true } };
  });
  await records.bulkWrite(writes, { ordered: false });
}

const cpuBefore = process.cpuUsage();
const began = performance.now();
let from: string | null = null;
let cursor: string | null = null;
for (;;) {
  const { results, next_cursor: next, request_status: cut } = await query(from, cursor);
  await write(results);
  cursor = next;
  if (next !== null) continue;
  if (cut === undefined) break;
  from = z.string().parse(results.at(-1)?.['created_time']);
}
const seconds = (performance.now() - began) / 1_000;
const { user, system } = process.cpuUsage(cpuBefore);
const written = await records.countDocuments();
await mongo.close();
process.stdout.write(JSON.stringify({ perSecond: written / seconds, cpuMicroseconds: (user + system) / written }));
