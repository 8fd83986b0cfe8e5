import type { DeadLetterFacts } from '@notion-mirror/event-log/dead-letters';
import { expect, test } from 'vitest';
import { createCauses } from './causes.ts';
import { tenantsJson } from './letter-json.ts';

const failedAt = new Date(0);
const letter = (workspaceId: string | null): DeadLetterFacts => ({
  partition: 0,
  offset: 0n,
  timestamp: 0,
  redrive: { to: 'nowhere' },
  redrives: 0,
  cause: { class: 'poison', code: 'undecodable', message: 'bad bytes' },
  service: 'sync-worker',
  attempts: 1,
  firstFailedAt: null,
  failedAt,
  workspaceId,
  eventId: null,
  eventType: null,
});

function causesOf(...tenants: readonly (string | null)[]) {
  const causes = createCauses();
  for (const workspaceId of tenants) causes.add(letter(workspaceId), false);
  return causes;
}

test('the tenants with the most letters come first; letters of no tenant count as well', () => {
  const causes = causesOf('b', 'a', null, 'c', 'c', null, null);
  expect(tenantsJson(causes)).toEqual({
    byTenant: [
      { workspaceId: null, letters: 3 },
      { workspaceId: 'c', letters: 2 },
      { workspaceId: 'a', letters: 1 },
      { workspaceId: 'b', letters: 1 },
    ],
    moreTenants: 0,
  });
  expect(causes.tenants).toBe(3);
});

test('twenty tenants are named, and the others counted', () => {
  const names = Array.from({ length: 23 }, (_, n) => `tenant-${String(n).padStart(2, '0')}`);
  const { byTenant, moreTenants } = tenantsJson(causesOf(...names, 'tenant-22'));
  expect(byTenant).toHaveLength(20);
  expect(byTenant[0]).toEqual({ workspaceId: 'tenant-22', letters: 2 });
  expect(moreTenants).toBe(3);
});
