import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { decryptToken, encryptToken, TokenCipherError } from './token-cipher.ts';

const key = randomBytes(32);

test('a token is decrypted unchanged', () => {
  for (const token of ['ntn_123', '', 'ü✅\0', 'x'.repeat(10_000)]) {
    expect(decryptToken(key, 'connection-1', encryptToken(key, 'connection-1', token))).toBe(token);
  }
});

test('the stored text contains nothing of the token and never repeats', () => {
  const first = encryptToken(key, 'connection-1', 'ntn_secret');
  expect(first).toMatch(/^v1\.[\w-]+$/);
  expect(Buffer.from(first.slice(3), 'base64url').toString('latin1')).not.toContain('secret');
  expect(encryptToken(key, 'connection-1', 'ntn_secret')).not.toBe(first);
});

test.each([
  ['another connection', (text: string) => decryptToken(key, 'connection-2', text)],
  ['another key', (text: string) => decryptToken(randomBytes(32), 'connection-1', text)],
  ['a changed text', (text: string) => decryptToken(key, 'connection-1', `${text.slice(0, -2)}${text.endsWith('AA') ? 'BB' : 'AA'}`)],
  ['a truncated text', (text: string) => decryptToken(key, 'connection-1', text.slice(0, 20))],
  ['another version', (text: string) => decryptToken(key, 'connection-1', text.replace('v1.', 'v2.'))],
  ['a plain token', () => decryptToken(key, 'connection-1', 'ntn_secret')],
])('%s is refused', (_what, decrypt) => {
  expect(() => decrypt(encryptToken(key, 'connection-1', 'ntn_secret'))).toThrow(TokenCipherError);
});
