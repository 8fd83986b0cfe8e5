import { expect, test } from 'vitest';
import { traceparentFrom } from './traceparent.ts';

test('continues a valid trace', () => {
  const given = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00';
  expect(traceparentFrom(given)).toBe(given);
});

test.each([
  undefined,
  '',
  'x',
  '00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-00',
  '00-00000000000000000000000000000000-b7ad6b7169203331-00',
  '00-0af7651916cd43dd8448eb211c80319c-0000000000000000-00',
  '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00\r\nx: y',
])('starts a new one instead of %j', (header) => {
  const one = traceparentFrom(header);
  expect(one).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  expect(traceparentFrom(header)).not.toBe(one);
});
