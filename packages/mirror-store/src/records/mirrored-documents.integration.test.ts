import { contentDifferences } from '@notion-mirror/domain/content-differences';
import { Registry } from '@notion-mirror/service-kit/metrics';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { someContent } from '../../test/databases.ts';
import { openTestDatabase } from '../../test/mongo.ts';
import { databaseStorage } from '../entities/database.ts';
import { fieldsOf, openMirroredDocuments, type MirroredDocuments } from './mirrored-documents.ts';
import { createRecordStore } from './record-store.ts';
import { UnstorableError } from './storable.ts';

let mongo: Awaited<ReturnType<typeof openTestDatabase>>;
let records: ReturnType<typeof openStore>;
let documents: MirroredDocuments;
const openStore = () => createRecordStore(databaseStorage, { db: mongo.db, metrics: new Registry() });
const fieldsIn = (id: string, content = someContent()) => fieldsOf(databaseStorage, { workspaceId: 'acme', id }, content);
beforeAll(async () => {
  mongo = await openTestDatabase();
  records = openStore();
  documents = openMirroredDocuments(mongo.db, databaseStorage);
});
afterAll(() => mongo.drop());

const lastEvent = { id: 'event-1', type: 'database.created', occurredAt: new Date() };
const collection = () => mongo.db.collection<{ _id: string; rev: unknown }>('database_records');

async function write(databaseId: string, content = someContent()): Promise<void> {
  const expected = await records.read({ workspaceId: 'acme', id: databaseId });
  const written = await records.writeLive({
    workspaceId: 'acme',
    id: databaseId,
    expected,
    content,
    connectionId: 'connection-1',
    asOf: new Date(),
    lastEvent,
  });
  expect(written).toEqual({ kind: 'written' });
}

describe('a mirrored document, compared with the fields of its content', () => {
  test('has no differences, whatever text users wrote', async () => {
    const text =
      '{"2024": {"$set": {"a.b": [1.5, -0, 4294967296, null]}}, "__proto__": {"_bsontype": "ObjectId"}, "a\\u0000b": "\\ud800x\\u0000"}';
    const content = someContent({ raw: { database: JSON.parse(text), dataSources: [{ id: 'source-1' }] }, createdTime: null });
    await write('any', content);
    const found = await documents.read({ workspaceId: 'acme', id: 'any' });
    expect(found).toMatchObject({ connectionId: 'connection-1', problem: null });
    expect(contentDifferences(found?.fields ?? {}, fieldsIn('any', content))).toEqual([]);
    const other = fieldsIn('any', { ...content, raw: { ...content.raw, database: JSON.parse(text.replace('1.5', '1.6')) } });
    expect(contentDifferences(found?.fields ?? {}, other).map(({ path }) => path)).toEqual(['raw.database["2024"].$set["a.b"][0]']);
  });

  test('differs by a field added by hand', async () => {
    await write('edited');
    await collection().updateOne({ _id: 'acme:edited' }, { $set: { note: 'by hand' } });
    const found = await documents.read({ workspaceId: 'acme', id: 'edited' });
    expect(contentDifferences(found?.fields ?? {}, fieldsIn('edited', someContent()))).toEqual([
      { path: 'note', mirror: 'by hand', notion: undefined },
    ]);
  });

  test('a tombstone has no fields; no record is null', async () => {
    await write('removed');
    const expected = await records.read({ workspaceId: 'acme', id: 'removed' });
    await records.writeTombstone({
      workspaceId: 'acme',
      id: 'removed',
      expected,
      asOf: new Date(),
      source: 'fetch',
      reason: 'trashed',
      eventId: 'event-2',
    });
    expect(await documents.read({ workspaceId: 'acme', id: 'removed' })).toMatchObject({ fields: null, problem: null });
    expect(await documents.read({ workspaceId: 'acme', id: 'never' })).toBeNull();
  });

  test('the version changes with every write', async () => {
    await write('written');
    const before = await documents.versions('acme', ['written', 'never']);
    expect([...before.keys()]).toEqual(['written']);
    expect((await documents.read({ workspaceId: 'acme', id: 'written' }))?.version).toBe(before.get('written'));
    await write('written');
    expect((await documents.versions('acme', ['written'])).get('written')).not.toBe(before.get('written'));
  });

  test('a record that no worker can read has a problem', async () => {
    await write('broken');
    await collection().updateOne({ _id: 'acme:broken' }, { $set: { rev: 'one' } });
    expect((await documents.read({ workspaceId: 'acme', id: 'broken' }))?.problem).toContain('rev');
  });

  test('content that cannot be stored throws instead of being compared', () => {
    const huge = someContent({ title: 'x'.repeat(17 * 1024 * 1024) });
    expect(() => fieldsIn('huge', huge)).toThrow(UnstorableError);
  });
});
