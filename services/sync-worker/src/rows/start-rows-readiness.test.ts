import { expect, test } from 'vitest';
import { scannableSince } from './start-rows-readiness.ts';

test('a scan waits until each ingress has seen the switch: a change during the scan must not be ignored', () => {
  const since = new Date('2026-12-01T00:00:00Z');
  expect(scannableSince(null)).toBeNull();
  expect(scannableSince({ since, forMs: 0 })).toBeNull();
  expect(scannableSince({ since, forMs: 2_999 })).toBeNull();
  expect(scannableSince({ since, forMs: 3_000 })).toEqual(since);
});
