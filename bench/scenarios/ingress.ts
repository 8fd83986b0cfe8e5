import { createConnectionStore } from '@notion-mirror/mirror-store/connection-store';
import { startSystem } from '@notion-mirror/demo/system';
import { startWatchdog } from '@notion-mirror/local-stack/watchdog';
import { startServer } from '../children.ts';
import { loadWithWebhooks } from '../load/http-load-result.ts';
import { cpuSecondsOf, residentMegabytesOf } from '../process-cost.ts';
import type { Contender, Scenario } from '../scenario.ts';
import { signedWebhook } from '../webhooks.ts';

const tenants = 50;
/** Enough that no webhook is in the caches of anything because it came a moment ago. */
const distinctWebhooks = 2_000;

/**
 * Webhooks over so many connections at once, as many as are answered: the ingress as it runs in production (signature, parsing, the tenant's connections,
 * Avro, acks=all, metrics, a log line each), beside servers that do the same and keep nothing.
 */
export function ingressScenario(options: {
  readonly name: string;
  readonly title: string;
  readonly connections: number;
  readonly targets: Scenario['targets'];
  readonly floors: readonly ('koa' | 'node')[];
}): Scenario {
  const { connections } = options;
  return {
    name: options.name,
    title: options.title,
    figures: [
      { name: 'accepted', unit: '/s' },
      { name: 'p50', unit: 'ms' },
      { name: 'p99', unit: 'ms' },
      { name: 'CPU', unit: 'µs' },
      { name: 'memory', unit: 'MB' },
      { name: 'CPU of the load', unit: 'µs' },
    ],
    targets: options.targets,
    async prepare({ stack, extent }) {
      const watchdog = await startWatchdog();
      const env = { MIRROR_KAFKA_PARTITIONS: '12', MIRROR_NOTION_REQUESTS_PER_MINUTE: '100000' };
      const system = await startSystem(stack, { name: `bench_${options.name.replaceAll('-', '_')}`, env });
      const ends: (() => Promise<void>)[] = [() => watchdog.close(), () => system.stop()];
      const end = async () => {
        for (const one of ends.toReversed()) await one();
      };
      try {
        const customers = Array.from({ length: tenants }, (_, n) => system.prepare(`tenant-${n}`, `Tenant ${n}`));
        const store = createConnectionStore(system.db);
        for (const { connectionId, workspaceId, notionWorkspaceId, botId } of customers) {
          await store.add({ connectionId, providerConfigKey: 'notion', workspaceId, notionWorkspaceId, botId, token: null });
        }
        const { signingKey } = system.nango.environment;
        const requests = Array.from({ length: distinctWebhooks / tenants }, () =>
          customers.map((customer) => signedWebhook(customer, signingKey)),
        ).flat();
        const contender = (name: string, { pid, url }: { readonly pid: number; readonly url: string }): Contender => ({
          name,
          async measure() {
            const before = cpuSecondsOf(pid);
            const load = await loadWithWebhooks(watchdog, { url, connections, requests, seconds: extent.quick ? 2 : 10 });
            return {
              accepted: load.perSecond,
              p50: load.p50Ms,
              p99: load.p99Ms,
              CPU: ((cpuSecondsOf(pid) - before) / load.accepted) * 1e6,
              memory: residentMegabytesOf(pid),
              'CPU of the load': (load.cpuSeconds / load.accepted) * 1e6,
            };
          },
        });
        const ingress = await system.start('ingress');
        const contenders = [contender('ingress', { pid: ingress.pid, url: system.webhookUrl('nango') })];
        for (const floor of options.floors) {
          const server = await startServer(watchdog, 'floors/webhook-server.ts', {
            BENCH_SERVER: floor,
            BENCH_SIGNING_KEY: signingKey,
            BENCH_TENANTS: JSON.stringify(Object.fromEntries(customers.map((one) => [one.connectionId, one.workspaceId]))),
          });
          ends.push(() => server.stop());
          contenders.push(contender(`${floor}, keeping nothing`, { pid: server.pid, url: `http://127.0.0.1:${server.port}/` }));
        }
        return { contenders, end };
      } catch (error) {
        await end();
        throw error;
      }
    },
  };
}
