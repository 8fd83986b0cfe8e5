import { setTimeout as delay } from 'node:timers/promises';
import type { ServiceName } from '@notion-mirror/demo/service-process';
import { loadWithWebhooks } from '../load/http-load-result.ts';
import type { Contender, Scenario } from '../scenario.ts';
import { measureAlone, type StubSystem } from '../stub-system.ts';
import { signedWebhook } from '../webhooks.ts';

const services = ['ingress', 'sync-worker', 'delete-worker'] as const satisfies readonly ServiceName[];

/** How long a service takes until it is ready, and to end after SIGTERM: idle, and in the middle of work. */
export const startStop: Scenario = {
  name: 'start-stop',
  title: 'From the start of a process until it is ready, and from SIGTERM until it has ended',
  figures: [
    { name: 'ready', unit: 'ms' },
    { name: 'stop, idle', unit: 'ms' },
    { name: 'stop, under load', unit: 'ms' },
  ],
  targets: services.flatMap((of) => [
    { figure: 'stop, idle', of, against: null, bound: 'at most', value: 1_000 } as const,
    ...(of === 'delete-worker' ? [] : [{ figure: 'stop, under load', of, against: null, bound: 'at most', value: 5_000 } as const]),
  ]),
  startsOwnSystems: true,
  prepare: async (stack, quick) => ({
    contenders: services.map((name): Contender => ({
      name,
      measure: () =>
        measureAlone(stack, 'start-stop', { callMs: 200, quick }, async (bench) => {
          const began = Date.now();
          const idle = await bench.system.start(name);
          const ready = Date.now() - began;
          await delay(1_000);
          const stopIdle = await timeOf(() => idle.stop());
          // No deletes are sent, so it has no load here.
          if (name === 'delete-worker') return { ready, 'stop, idle': stopIdle };
          const loaded = await bench.system.start(name);
          const load = name === 'ingress' ? webhooks(bench) : bench.backlog.append(quick ? 500 : 5_000);
          await delay(2_000);
          const stopLoaded = await timeOf(() => loaded.stop());
          await load;
          return { ready, 'stop, idle': stopIdle, 'stop, under load': stopLoaded };
        }),
    })),
    end: async () => {},
  }),
};

async function timeOf(what: () => Promise<unknown>): Promise<number> {
  const began = Date.now();
  await what();
  return Date.now() - began;
}

/** More than are answered: the ingress stops while it serves them. */
async function webhooks({ system, watchdog, customers }: StubSystem): Promise<void> {
  const requests = customers.map((customer) => signedWebhook(customer, system.nango.environment.signingKey));
  const task = { url: system.webhookUrl('nango'), connections: 64, requests, seconds: 3 };
  await loadWithWebhooks(watchdog, task).catch(() => {});
}
