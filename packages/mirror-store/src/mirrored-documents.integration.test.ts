import { contentDifferences } from '@notion-mirror/domain/content-differences';
import { Registry } from '@notion-mirror/service-kit/metrics';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTestDatabase, someContent } from '../test/mongo.ts';
import { createRecordStore, type RecordStore } from './database-records.ts';
import { fieldsOf, openMirroredDocuments, type MirroredDocuments } from './mirrored-documents.ts';
import { UnstorableError } from './record-document.ts';

let mongo: Awaited<ReturnType<typeof openTestDatabase>>;
let records: RecordStore;
let documents: MirroredDocuments;
beforeAll(async () => {
  mongo = await openTestDatabase();
  records = createRecordStore({ db: mongo.db, metrics: new Registry() });
  documents = openMirroredDocuments(mongo.db);
});
afterAll(() => mongo.drop());

const lastEvent = { id: 'event-1', type: 'database.created', occurredAt: new Date() };
const collection = () => mongo.db.collection<{ _id: string; rev: unknown }>('database_records');

async function write(databaseId: string, content = someContent()): Promise<void> {
  const expected = await records.read('acme', databaseId);
  const written = await records.writeLive({
    workspaceId: 'acme',
    databaseId,
    expected,
    content,
    connectionId: 'connection-1',
    asOf: new Date(),
    lastEvent,
  });
  expect(written).toEqual({ kind: 'written' });
}

describe('what the mirror holds, beside what it would hold', () => {
  test('is the same, whatever users wrote', async () => {
    const text =
      '{"2024": {"$set": {"a.b": [1.5, -0, 4294967296, null]}}, "__proto__": {"_bsontype": "ObjectId"}, "a\\u0000b": "\\ud800x\\u0000"}';
    const content = someContent({ raw: { database: JSON.parse(text), dataSources: [{ id: 'source-1' }] }, createdTime: null });
    await write('any', content);
    const found = await documents.read('acme', 'any');
    expect(found).toMatchObject({ connectionId: 'connection-1', problem: null });
    expect(contentDifferences(found?.fields ?? {}, fieldsOf('acme', 'any', content))).toEqual([]);
    const other = fieldsOf('acme', 'any', { ...content, raw: { ...content.raw, database: JSON.parse(text.replace('1.5', '1.6')) } });
    expect(contentDifferences(found?.fields ?? {}, other).map(({ path }) => path)).toEqual(['raw.database["2024"].$set["a.b"][0]']);
  });

  test('a field that nobody but a person wrote is a difference', async () => {
    await write('edited');
    await collection().updateOne({ _id: 'acme:edited' }, { $set: { note: 'by hand' } });
    const found = await documents.read('acme', 'edited');
    expect(contentDifferences(found?.fields ?? {}, fieldsOf('acme', 'edited', someContent()))).toEqual([
      { path: 'note', mirror: 'by hand', notion: undefined },
    ]);
  });

  test('a tombstone has no fields; no record is null', async () => {
    await write('removed');
    const expected = await records.read('acme', 'removed');
    await records.writeTombstone({
      workspaceId: 'acme',
      databaseId: 'removed',
      expected,
      asOf: new Date(),
      source: 'fetch',
      reason: 'trashed',
      eventId: 'event-2',
    });
    expect(await documents.read('acme', 'removed')).toMatchObject({ fields: null, problem: null });
    expect(await documents.read('acme', 'never')).toBeNull();
  });

  test('a version changes with every write', async () => {
    await write('written');
    const before = await documents.versions('acme', ['written', 'never']);
    expect([...before.keys()]).toEqual(['written']);
    expect((await documents.read('acme', 'written'))?.version).toBe(before.get('written'));
    await write('written');
    expect((await documents.versions('acme', ['written'])).get('written')).not.toBe(before.get('written'));
  });

  test('a record that no worker can read says so', async () => {
    await write('broken');
    await collection().updateOne({ _id: 'acme:broken' }, { $set: { rev: 'one' } });
    expect((await documents.read('acme', 'broken'))?.problem).toContain('rev');
  });

  test('what cannot be stored is said, not compared', () => {
    const huge = someContent({ title: 'x'.repeat(17 * 1024 * 1024) });
    expect(() => fieldsOf('acme', 'huge', huge)).toThrow(UnstorableError);
  });
});
