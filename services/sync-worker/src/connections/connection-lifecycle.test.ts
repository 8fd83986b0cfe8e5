import type { Connection } from '@notion-mirror/domain/connection';
import type { ConnectionNotice } from '@notion-mirror/mirror-store/connection-notices';
import { createLogger } from '@notion-mirror/service-kit/logger';
import { Registry } from '@notion-mirror/service-kit/metrics';
import { expect, onTestFinished, test } from 'vitest';
import { startConnectionLifecycle } from './connection-lifecycle.ts';

const notice: ConnectionNotice = {
  connectionId: 'acme-connection',
  providerConfigKey: 'notion',
  notedAt: new Date('2026-01-02T00:00:00Z'),
  isDeletionAnnounced: false,
  takenGrant: null,
  failures: 0,
};

const grant = { provider: 'notion', notionWorkspaceId: null, botId: null, tags: {}, updatedAt: null };

const unused = () => Promise.reject(new Error('not expected'));

/** What happens to the notice when an operator adds a connection before it is settled. */
async function afterIt(added: Pick<Connection, 'providerConfigKey'> | null): Promise<string[]> {
  const { promise: isDone, resolve: done } = Promise.withResolvers<void>();
  const did: string[] = [];
  const left = [notice];
  let stored: Connection | null = null;
  const lifecycle = startConnectionLifecycle({
    notices: {
      take: () => {
        const next = left.shift() ?? null;
        if (next === null) done();
        return Promise.resolve(next);
      },
      settle: (_, { problem }) => {
        did.push(`settled: ${problem}`);
        stored = added as Connection | null;
        return Promise.resolve();
      },
      decide: () => Promise.resolve(void did.push('decided')),
      postpone: unused,
    },
    store: {
      get: () => Promise.resolve(stored),
      list: unused,
      admit: unused,
      pause: unused,
      markDeleted: unused,
      markUnauthorized: unused,
    },
    parked: { discard: unused },
    askNango: () => Promise.resolve({ kind: 'grant', grant }),
    rule: null,
    logger: createLogger({ service: 'test', level: 'silent' }),
    metrics: new Registry(),
  });
  onTestFinished(async () => lifecycle.stop());
  await isDone;
  return did;
}

const problem = 'settled: new connections are not added by themselves (MIRROR_CONNECTION_TENANT)';

test('a connection that is not added is left to the operator', async () => {
  expect(await afterIt(null)).toEqual([problem]);
});

test('it is not, when an operator adds it while it is checked', async () => {
  expect(await afterIt({ providerConfigKey: 'notion' })).toEqual([problem, 'decided']);
});

test('one of another integration is not the one of the notice', async () => {
  expect(await afterIt({ providerConfigKey: 'other' })).toEqual([problem]);
});
