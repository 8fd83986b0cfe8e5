import { expect, test } from 'vitest';
import { keyOf, refOf } from './entity.ts';

test.each([
  { workspaceId: 'acme', id: '248104cd-477e-80fd-b757-e945d38000bd' },
  // Stored before `mirror` refused a colon.
  { workspaceId: 'a:b', id: 'd' },
])('a key splits into what it was built from: %j', (ref) => {
  expect(refOf(keyOf(ref))).toEqual(ref);
});

test.each(['', 'no colon', ':no tenant'])('"%s" is no key', (text) => {
  expect(refOf(text)).toBeNull();
});
