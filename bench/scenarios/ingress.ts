import { prepareWithSystem } from '../bench-system.ts';
import { startWebhookServer } from '../floors/start-webhook-server.ts';
import { loadWithWebhooks } from '../load/http-load-result.ts';
import { cpuSecondsOf, residentMegabytesOf } from '../process-cost.ts';
import type { Contender, Scenario } from '../scenario.ts';
import { signedWebhook } from '../webhooks.ts';

const connections = 64;
const tenants = 50;
/** Enough that no cache still holds a webhook when it is sent again. */
const distinctWebhooks = 2_000;
const koaAlone = 'koa, keeping nothing';
/** By the name of its contender. */
const floors = {
  [koaAlone]: { keeps: false, reports: false },
  'koa and KafkaJS': { keeps: true, reports: false },
  'koa and KafkaJS, with headers, a log line, metrics': { keeps: true, reports: true },
} as const;

/**
 * Webhooks as fast as they are answered: the ingress as it runs in production (signature, parsing, the tenant's connections, Avro, acks=all, metrics, a log
 * line each), compared with the least code that does the same: without the append, with it, and with the log line, the metrics and the headers too.
 */
export const ingress: Scenario = {
  name: `ingress-${connections}`,
  title: `Webhooks accepted over ${connections} connections, as fast as they are answered`,
  figures: [
    { name: 'accepted', unit: '/s' },
    { name: 'p50', unit: 'ms' },
    { name: 'p99', unit: 'ms' },
    { name: 'CPU', unit: 'µs' },
    { name: 'memory', unit: 'MB' },
    { name: 'CPU of the load', unit: 'µs' },
  ],
  targets: [{ figure: 'accepted', of: 'ingress', against: koaAlone, bound: 'at least', value: 0.9 }],
  plots: [{ kind: 'bars', figure: 'accepted' }],
  prepare: (stack, quick) =>
    prepareWithSystem(stack, 'ingress', async (bench, onEnd) => {
      const { system, watchdog } = bench;
      const customers = Array.from({ length: tenants }, (_, n) => system.prepare(`tenant-${n}`, `Tenant ${n}`));
      for (const customer of customers) await system.register(customer);
      const { signingKey } = system.nango.environment;
      const requests = Array.from({ length: distinctWebhooks / tenants }, () =>
        customers.map((customer) => signedWebhook(customer, signingKey)),
      ).flat();
      const contender = (name: string, { pid, url }: { readonly pid: number; readonly url: string }): Contender => ({
        name,
        async measure() {
          const before = cpuSecondsOf(pid);
          const load = await loadWithWebhooks(watchdog, { url, connections, requests, seconds: quick ? 2 : 10 });
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
      const service = await system.start('ingress');
      const contenders = [contender('ingress', { pid: service.pid, url: system.webhookUrl('nango') })];
      for (const [name, { keeps, reports }] of Object.entries(floors)) {
        // A quick run shows that a floor works: the third one does all that the second does.
        if (quick && keeps && !reports) continue;
        const log = keeps ? { brokers: stack.kafkaBrokers, topic: `${system.db.databaseName}_bare` } : null;
        contenders.push(contender(name, await startWebhookServer(bench, onEnd, { customers, log, reports })));
      }
      return contenders;
    }),
};
