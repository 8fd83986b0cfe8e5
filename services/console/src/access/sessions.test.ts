import { expect, test } from 'vitest';
import { createSessions, sessionSeconds } from './sessions.ts';

const hash = 'a'.repeat(64);
const key = 'k'.repeat(32);

test('a session names its token until it ends', () => {
  let now = 1_000;
  const sessions = createSessions(key, () => now);
  const value = sessions.sign(hash);
  expect(sessions.verify(value)).toBe(hash);
  now += sessionSeconds * 1000 - 1;
  expect(sessions.verify(value)).toBe(hash);
  now += 1;
  expect(sessions.verify(value)).toBeNull();
});

test('a later end, another token or another key is not believed', () => {
  const value = createSessions(key).sign(hash);
  const [, end = '', signature = ''] = value.split('.');
  const sessions = createSessions(key);
  expect(sessions.verify(value)).toBe(hash);
  expect(sessions.verify(`${hash}.${Number(end) + 1}.${signature}`)).toBeNull();
  expect(sessions.verify(`${'b'.repeat(64)}.${end}.${signature}`)).toBeNull();
  expect(sessions.verify(`${hash}.${end}.`)).toBeNull();
  expect(createSessions('x'.repeat(32)).verify(value)).toBeNull();
  expect(createSessions(null).verify(createSessions(null).sign(hash))).toBeNull();
});
