import { startSystem, type System } from '@notion-mirror/demo/system';
import type { LogLine } from '@notion-mirror/demo/service-process';
import { inject } from 'vitest';
import { createLedger } from './ledger.ts';
import { createEqualityCheck } from './row-scans.ts';
import { waitUntil } from './wait-until.ts';

type SystemOptions = Parameters<typeof startSystem>[1];

/** A separate system for one test file, on the servers of the test run. */
export interface Scene extends System {
  /** Every line that the services logged. */
  readonly lines: readonly LogLine[];
  startAll(): Promise<void>;
  /**
   * Resolves when no webhook is in flight and the mirror equals Notion, for all tenants or one; fails with the differences. Asks for a scan of rows
   * once only such differences are left that events cannot remove.
   */
  untilEqual(workspaceId?: string): Promise<void>;
  /** Resolves when every event that the ingress accepted has an outcome; fails with those that have none. */
  untilHandled(): Promise<void>;
  /**
   * Resolves when the tenant has been swept since its connection last became active, so no sweep finds later changes before it is due. A
   * connection becomes active twice: by `mirror connections add`, and when Nango's notice arrives.
   */
  untilSwept(workspaceId: string): Promise<void>;
  /** Resolves when no scan of the tenant's rows runs or is wanted: what a test does to the mirror by hand is then not found by one. */
  untilScanned(workspaceId: string): Promise<void>;
  /** Stops everything and drops the database. */
  end(): Promise<void>;
}

const noticeHandled = 'a connection was checked after a notice from Nango';

export async function setScene(name: string, options: Omit<SystemOptions, 'name' | 'onLine'> = {}): Promise<Scene> {
  const lines: LogLine[] = [];
  const ledger = createLedger();
  const onLine = (line: LogLine) => {
    lines.push(line);
    ledger.read(line);
  };
  const unique = `e2e_${name}_${process.pid}_${Date.now().toString(36)}`;
  const system = await startSystem(inject('stack'), { ...options, name: unique, onLine });
  const warnings = () => lines.filter(({ level }) => level === 'warn' || level === 'error' || level === 'fatal').slice(-10);
  return {
    ...system,
    lines,
    startAll: async () => {
      await Promise.all((['ingress', 'sync-worker', 'delete-worker'] as const).map((service) => system.start(service)));
    },
    untilEqual: async (workspaceId) => {
      await system.pair.settle();
      const isEqual = createEqualityCheck(system, workspaceId);
      await waitUntil(isEqual, {
        // A scan of a killed worker is taken over after a minute.
        timeoutMs: 180_000,
        describe: async () => {
          const differences = (await system.differences(workspaceId)).slice(0, 5);
          const ids = new Set(differences.map(({ databaseId }) => databaseId));
          const handled = lines.filter(({ databaseId }) => typeof databaseId === 'string' && ids.has(databaseId)).slice(-10);
          return JSON.stringify({ differences, handled, warnings: warnings() }, null, 2);
        },
      });
    },
    untilHandled: () =>
      waitUntil(async () => (await ledger.withoutOutcome(system.db)).length === 0, {
        describe: async () => JSON.stringify({ withoutOutcome: await ledger.withoutOutcome(system.db), warnings: warnings() }, null, 2),
      }),
    untilSwept: (workspaceId) =>
      waitUntil(async () => {
        const heard = new Set(lines.filter(({ msg }) => msg === noticeHandled).map((line) => line['connectionId']));
        const connections = await system.db.collection<{ _id: string; updatedAt: Date }>('connections').find({ workspaceId }).toArray();
        const sweep = await system.db.collection<{ _id: string; lastStartedAt: Date | null }>('sweeps').findOne({ _id: workspaceId });
        const sweptSince = sweep?.lastStartedAt ?? new Date(0);
        return connections.length > 0 && connections.every(({ _id, updatedAt }) => heard.has(_id) && sweptSince >= updatedAt);
      }),
    untilScanned: (workspaceId) =>
      waitUntil(async () => {
        const busy = { workspaceId, $or: [{ scan: { $ne: null } }, { wanted: { $ne: null } }] };
        return (await system.db.collection('data_source_contents').countDocuments(busy)) === 0;
      }),
    end: async () => {
      await system.db.dropDatabase();
      await system.stop();
    },
  };
}
