import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

// It was 2,100, mostly strings that all events of a tenant repeat. With 27,000 events a sync-worker took more than 300 MB.
test('a waiting event takes 1,800 bytes, not counting allocator overhead', () => {
  const program = fileURLToPath(new URL('testing/waiting-events-process.ts', import.meta.url));
  const { waiting, bytes } = JSON.parse(execFileSync(process.execPath, ['--expose-gc', program], { encoding: 'utf8' }));
  expect(waiting).toBeGreaterThan(19_900);
  expect(bytes).toBeGreaterThan(800);
  expect(bytes).toBeLessThan(1_900);
}, 60_000);
