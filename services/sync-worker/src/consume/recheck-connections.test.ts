import type { Connection, ConnectionStatus } from '@notion-mirror/domain/connection';
import { StoreUnavailableError } from '@notion-mirror/mirror-store/errors';
import { expect, test } from 'vitest';
import { createRecheck } from './recheck-connections.ts';

/** `known` is held; `stored` is what a direct read finds, null: it fails. */
function recheck(known: ConnectionStatus[], stored: ConnectionStatus[] | null): Promise<boolean> {
  let statuses = known;
  const ofWorkspace = () => statuses.map((status) => ({ status }) as Connection);
  return createRecheck({
    ofWorkspace,
    activeByWorkspace: () => ofWorkspace().filter(({ status }) => status === 'active'),
    refresh() {
      statuses = stored ?? statuses;
      return Promise.resolve(stored !== null);
    },
  })({ workspaceId: 'acme' });
}

test('work is done again when a connection is active, or when connections of any status are known only now', async () => {
  expect(await recheck(['active'], ['active'])).toBe(true);
  expect(await recheck(['unauthorized'], ['active'])).toBe(true);
  expect(await recheck(['unauthorized'], ['unauthorized'])).toBe(false);
  expect(await recheck([], ['unauthorized'])).toBe(true);
  expect(await recheck([], [])).toBe(false);
});

// A worker that does not hold a tenant's connections would otherwise end its events as those of a tenant without any.
test('that a tenant has no connection is believed only when MongoDB says so', async () => {
  await expect(recheck([], null)).rejects.toThrow(StoreUnavailableError);
  expect(await recheck(['unauthorized'], null)).toBe(false);
});
