import { setTimeout as delay } from 'node:timers/promises';
import type { ServiceName } from '@notion-mirror/demo/service-process';
import { newDatabaseId } from '../notion-answers.ts';
import { sendWebhooks } from '../load/sent-webhooks.ts';
import { cloneTenants } from '../many-tenants.ts';
import { residentMegabytesOf } from '../process-cost.ts';
import type { Figures, Scenario } from '../scenario.ts';
import { measureAlone, type StubSystem } from '../stub-system.ts';

const services = ['ingress', 'sync-worker', 'delete-worker'] as const satisfies readonly ServiceName[];
/** After the start, or after the last accepted event: V8 returns unused memory after 8 s. */
const settleMs = 12_000;
const waiting = '100,000 events wait';
const tenants = '50,000 tenants';
const manyWorkers = '50,000 tenants, 4 workers of each group';

/** Resident memory of each service, in a new system each time. */
export const memory: Scenario = {
  name: 'memory',
  title:
    'Memory of each service: idle, while 100,000 events wait (all came through the ingress, Notion takes 2 s a call), with 50,000 tenants, alone and with three more workers of each group',
  figures: services.map((name) => ({ name, unit: 'MB' })),
  targets: [
    ...services.map((figure) => ({ figure, of: 'idle', against: null, bound: 'at most', value: 120 }) as const),
    ...services.map((figure) => ({ figure, of: waiting, against: null, bound: 'at most', value: 300 }) as const),
  ],
  startsOwnSystems: true,
  prepare: async (stack, quick) => {
    interface Steps {
      readonly before?: (bench: StubSystem) => Promise<void>;
      readonly load?: (bench: StubSystem) => Promise<void>;
      readonly more?: readonly ServiceName[];
    }
    const measure =
      (options: Parameters<typeof measureAlone>[2], { before, load, more = [] }: Steps = {}) =>
      () =>
        measureAlone(stack, 'memory', { ...options, quick }, async (bench) => {
          await before?.(bench);
          const started = await Promise.all([...services, ...more].map((name) => bench.system.start(name)));
          await load?.(bench);
          await delay(quick ? 100 : settleMs);
          // Of several of a service, the largest.
          const found = started.map(({ name, pid }): [string, number] => [name, residentMegabytesOf(pid)]);
          return Object.fromEntries(found.toSorted(([, a], [, b]) => a - b)) as Figures;
        });
    const before = async ({ system, customers }: StubSystem) => cloneTenants(system, customers, quick ? 500 : 50_000);
    const more = (['sync-worker', 'delete-worker'] as const).flatMap((name) => [name, name, name]);
    return {
      contenders: [
        { name: 'idle', measure: measure({}) },
        { name: waiting, measure: measure({ callMs: 2_000 }, { load: async (bench) => sendMany(bench, quick ? 1_000 : 100_000) }) },
        { name: tenants, measure: measure({}, { before }) },
        { name: manyWorkers, measure: measure({}, { before, more }) },
      ],
      end: async () => {},
    };
  },
};

async function sendMany({ system, watchdog, customers }: StubSystem, count: number): Promise<void> {
  const events = Array.from({ length: Math.ceil(count / customers.length) }, () =>
    customers.map(({ connectionId, notionWorkspaceId, botId }) => ({
      connectionId,
      notionWorkspaceId,
      botId,
      databaseId: newDatabaseId(),
    })),
  ).flat();
  const url = system.webhookUrl('nango');
  const task = { url, connections: 64, rate: null, events } as const;
  await sendWebhooks(watchdog, system.nango.environment.signingKey, task);
}
