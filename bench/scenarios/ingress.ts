import { prepareWithSystem } from '../bench-system.ts';
import { startWebhookServer } from '../floors/start-webhook-server.ts';
import { loadWithWebhooks } from '../load/http-load-result.ts';
import { cpuSecondsOf, residentMegabytesOf } from '../process-cost.ts';
import { postgresOf, startPeer, type Peer } from '../peers/dbos/peer.ts';
import type { Contender, Scenario } from '../scenario.ts';
import { signedWebhook } from '../webhooks.ts';

const tenants = 50;
/** Enough that no webhook is in the caches of anything because it came a moment ago. */
const distinctWebhooks = 2_000;
const koaAlone = 'koa, keeping nothing';
/** By the name of its contender. */
const floors = {
  [koaAlone]: { on: 'koa', keeps: false, tells: false },
  'koa and KafkaJS': { on: 'koa', keeps: true, tells: false },
  'koa and KafkaJS, with headers, a log line, metrics': { on: 'koa', keeps: true, tells: true },
  'node, keeping nothing': { on: 'node', keeps: false, tells: false },
} as const;

/**
 * Webhooks over so many connections at once, as many as are answered: the ingress as it runs in production (signature, parsing, the tenant's connections,
 * Avro, acks=all, metrics, a log line each), beside the least code that does the same: without the append, with it, and with the log line, the metrics
 * and the headers too. And beside the peer, which keeps a workflow in PostgreSQL and runs none of them meanwhile.
 */
export function ingressScenario(connections: number): Scenario {
  const scenario = `ingress-${connections}`;
  return {
    name: scenario,
    title: `Webhooks that are accepted, over ${connections} connections, as many as are answered`,
    figures: [
      { name: 'accepted', unit: '/s' },
      { name: 'p50', unit: 'ms' },
      { name: 'p99', unit: 'ms' },
      { name: 'CPU', unit: 'µs' },
      { name: 'memory', unit: 'MB' },
      { name: 'CPU of the load', unit: 'µs' },
    ],
    targets: [
      { figure: 'accepted', of: 'ingress', against: koaAlone, bound: 'at least', value: 0.9 },
      { figure: 'accepted', of: 'ingress', against: 'DBOS', bound: 'at least', value: 10 },
    ],
    prepare: (stack, quick) =>
      prepareWithSystem(stack, scenario, async (bench, onEnd) => {
        const { system, watchdog } = bench;
        const customers = Array.from({ length: tenants }, (_, n) => system.prepare(`tenant-${n}`, `Tenant ${n}`));
        for (const customer of customers) await system.register(customer);
        const { signingKey } = system.nango.environment;
        const requests = Array.from({ length: distinctWebhooks / tenants }, () =>
          customers.map((customer) => signedWebhook(customer, signingKey)),
        ).flat();
        const contender = (
          name: string,
          { pid, url }: { readonly pid: number; readonly url: string },
          awake: Peer['awake'] = (work) => work(),
        ): Contender => ({
          name,
          measure: () =>
            awake(async () => {
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
            }),
        });
        const ingress = await system.start('ingress');
        const contenders = [contender('ingress', { pid: ingress.pid, url: system.webhookUrl('nango') })];
        for (const [name, { on, keeps, tells }] of Object.entries(floors)) {
          // To see that it works, the one that tells of what it does is enough: it appends, too.
          if (quick && keeps && !tells) continue;
          const log = keeps ? { brokers: stack.kafkaBrokers, topic: `${system.db.databaseName}_bare` } : null;
          contenders.push(contender(name, await startWebhookServer(bench, onEnd, { on, customers, log, tells })));
        }
        const postgres = await postgresOf(bench, onEnd);
        if (postgres !== null) {
          const name = `${system.db.databaseName}_peer`;
          const peer = await startPeer(bench, onEnd, { name, postgres, customers, polling: 20, runs: false });
          contenders.push(contender('DBOS', peer, (work) => peer.awake(work)));
        }
        return contenders;
      }),
  };
}
