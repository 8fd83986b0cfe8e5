import { expect, test } from 'vitest';
import { problemOfId } from './opaque-id.ts';

test('a tenant id is any text that can be part of a document id and printed', () => {
  for (const id of ['acme', 'Åcme GmbH & Co', '4f7f7b8e-0c55-4b0e-9f0e-2f6d1f6f8a11', 'a/b%20c', '💡', '-', 'x'.repeat(256)])
    expect(problemOfId('tenant', id)).toBeNull();
});

test.each([
  ['', 'is empty'],
  [' acme', 'blank'],
  ['acme\n', 'blank'],
  ['a\u0000b', 'control'],
  ['a\u001B[31mb', 'control'],
  ['a\u2028b', 'control'],
  ['a\uD800b', 'control'],
  ['org:acme', 'joins a tenant'],
  ['x'.repeat(257), 'longer than 256'],
])('a tenant %j is refused', (id, problem) => {
  expect(problemOfId('tenant', id)).toContain(problem);
});

test("a connection's id comes from Nango and may contain a colon", () => {
  expect(problemOfId('connection', 'user:42')).toBeNull();
  expect(problemOfId('connection', '')).toBe('is empty');
});
