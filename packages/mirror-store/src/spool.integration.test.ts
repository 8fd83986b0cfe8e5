import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openTestDatabase } from '../test/mongo.ts';
import { createSpool, type Spool } from './spool.ts';

let mongo: Awaited<ReturnType<typeof openTestDatabase>>;
let spool: Spool;
beforeAll(async () => {
  mongo = await openTestDatabase();
  spool = createSpool(mongo.db);
});
beforeEach(async () => {
  await mongo.db.collection('spooled_events').deleteMany({});
});
afterAll(async () => {
  await mongo.drop();
});

const record = (n: number) => ({ topic: 'events', key: `key ${n}`, value: Buffer.from([n]), headers: {} });

test('a record is returned unchanged, byte by byte', async () => {
  const records = [
    { topic: 't', key: 'acme', value: Buffer.from([0, 1, 255]), headers: { ce_id: 'x', 'a.b$': '$set', bin: Buffer.from([0, 200]) } },
    { topic: 't', key: Buffer.from([9, 0]), value: Buffer.alloc(0), headers: {} },
    { topic: 't', key: null, value: Buffer.from('x'), headers: {} },
  ];
  for (const each of records) await spool.store(each);
  const found = await spool.oldest(10);
  expect(found).toEqual(records.map((each) => ({ ...each, id: expect.any(String), spooledAt: expect.any(Date) })));
  expect(found.every(({ value }) => Buffer.isBuffer(value))).toBe(true);
  expect(Buffer.isBuffer(found[1]?.key)).toBe(true);
});

test('records come oldest first, and only removed ones are gone', async () => {
  await Promise.all(Array.from({ length: 30 }, (_, n) => spool.store(record(n))));
  const first = await spool.oldest(10);
  expect(first.map(({ key }) => key)).toEqual(Array.from({ length: 10 }, (_, n) => `key ${n}`));
  await spool.remove(first.slice(0, 3).map(({ id }) => id));
  expect((await spool.oldest(2)).map(({ key }) => key)).toEqual(['key 3', 'key 4']);
  expect(await spool.count()).toBe(27);
  await spool.remove([]);
  expect(await spool.count()).toBe(27);
});
