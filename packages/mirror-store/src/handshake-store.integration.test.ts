import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openTestDatabase } from '../test/mongo.ts';
import { createHandshakeStore } from './handshake-store.ts';

let mongo: Awaited<ReturnType<typeof openTestDatabase>>;
beforeAll(async () => {
  mongo = await openTestDatabase();
});
beforeEach(async () => {
  await mongo.db.collection('handshakes').deleteMany({});
});
afterAll(async () => {
  await mongo.drop();
});

const plain = () => createHandshakeStore({ db: mongo.db, encryptionKey: null });

test('the first unsigned token is kept and never overwritten', async () => {
  const store = plain();
  expect(await store.get('notion')).toBeNull();
  const outcomes = await Promise.all(Array.from({ length: 10 }, (_, n) => store.keepOnce('notion', `secret_${n}`)));
  expect(outcomes.filter((outcome) => outcome === 'kept')).toHaveLength(1);
  const kept = `secret_${outcomes.indexOf('kept')}`;
  expect(await store.get('notion')).toBe(kept);
  expect(await store.keepOnce('notion', 'secret_other')).toBe('already_kept');
  expect(await store.get('notion')).toBe(kept);
  expect(await store.get('nango')).toBeNull();
});

test('through Nango the latest token is kept', async () => {
  const store = plain();
  expect(await store.keepOnce('nango', 'secret_1')).toBe('kept');
  await store.takeForDisplay('nango');
  expect(await store.keepOnce('nango', 'secret_2')).toBe('kept');
  expect(await store.takeForDisplay('nango')).toMatchObject({ kind: 'token', token: 'secret_2' });
});

test('is shown once, to one of several callers', async () => {
  const store = plain();
  expect(await store.takeForDisplay('notion')).toEqual({ kind: 'none' });
  expect(await store.status('notion')).toEqual({ kind: 'none' });
  await store.keepOnce('notion', 'secret_1');
  expect(await store.status('notion')).toEqual({ kind: 'waiting', receivedAt: expect.any(Date) });
  const shown = await Promise.all(Array.from({ length: 5 }, () => store.takeForDisplay('notion')));
  expect(shown.filter(({ kind }) => kind === 'token')).toEqual([{ kind: 'token', token: 'secret_1', receivedAt: expect.any(Date) }]);
  expect(await store.takeForDisplay('notion')).toEqual({ kind: 'shown', at: expect.any(Date) });
  expect(await store.status('notion')).toEqual({ kind: 'shown', receivedAt: expect.any(Date), at: expect.any(Date) });
  expect(await store.get('notion')).toBe('secret_1');
});

test('after a reset the next token is kept', async () => {
  const store = plain();
  await store.keepOnce('notion', 'secret_1');
  await store.reset('notion');
  expect(await store.get('notion')).toBeNull();
  expect(await store.keepOnce('notion', 'secret_2')).toBe('kept');
});

test('is encrypted when there is a key, and unreadable without it', async () => {
  const encryptionKey = randomBytes(32);
  const store = createHandshakeStore({ db: mongo.db, encryptionKey });
  await store.keepOnce('notion', 'secret_1');
  expect(JSON.stringify(await mongo.db.collection('handshakes').find().toArray())).not.toContain('secret_1');
  await expect(plain().get('notion')).rejects.toThrow('MIRROR_ENCRYPTION_KEY');
  await expect(plain().takeForDisplay('notion')).rejects.toThrow('MIRROR_ENCRYPTION_KEY');
  // A failed attempt does not count as shown.
  expect(await store.takeForDisplay('notion')).toMatchObject({ kind: 'token', token: 'secret_1' });
});

test('a token kept before there was a key stays readable', async () => {
  await plain().keepOnce('notion', 'secret_1');
  expect(await createHandshakeStore({ db: mongo.db, encryptionKey: randomBytes(32) }).get('notion')).toBe('secret_1');
});
