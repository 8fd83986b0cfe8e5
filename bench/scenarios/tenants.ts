import { cloneTenants } from '../many-tenants.ts';
import { watchArrivals } from '../arrivals.ts';
import { sendWebhooks } from '../load/sent-webhooks.ts';
import { newDatabaseId } from '../notion-answers.ts';
import { cpuSecondsOf } from '../process-cost.ts';
import type { Scenario } from '../scenario.ts';
import { percentile } from '../statistics.ts';
import { measureAlone, type StubSystem } from '../stub-system.ts';

const counts = [1, 10, 100, 1_000, 10_000];
const nameOf = (count: number) => (count === 1 ? '1 tenant' : `${count.toLocaleString('en')} tenants`);
/** Tenants with events; the others are known and quiet. */
const mostActive = 200;

/** How the cost of an event grows with the number of tenants that the mirror has. */
export const tenants: Scenario = {
  name: 'tenants',
  title: '200 events a second, by the number of tenants of the mirror (of whom at most 200 have events), Notion at 20 ms a call',
  figures: [
    { name: 'CPU', unit: 'µs' },
    { name: 'p50', unit: 'ms' },
    { name: 'p99', unit: 'ms' },
  ],
  targets: [{ figure: 'CPU', of: nameOf(10_000), against: nameOf(10), bound: 'at most', value: 1.2 }],
  plots: [{ kind: 'curve', figure: 'CPU', axis: 'tenants' }],
  startsOwnSystems: true,
  prepare: async (stack, quick) => ({
    contenders: (quick ? [10, 10_000] : counts).map((count) => ({
      name: nameOf(count),
      at: count,
      measure: () =>
        measureAlone(stack, 'tenants', { tenants: Math.min(count, quick ? 8 : mostActive), callMs: 20 }, async (bench) => {
          await cloneTenants(bench.system, bench.customers, (quick ? Math.min(count, 500) : count) - bench.customers.length);
          return measureRate(bench, quick ? 100 : 2_000);
        }),
    })),
    end: async () => {},
  }),
};

async function measureRate({ system, watchdog, customers }: StubSystem, count: number) {
  const [ingress, worker] = await Promise.all([system.start('ingress'), system.start('sync-worker')]);
  const events = Array.from({ length: count }, (_, n) => customers[n % customers.length]).flatMap((customer) => {
    if (customer === undefined) return [];
    const { connectionId, notionWorkspaceId, botId } = customer;
    return [{ connectionId, notionWorkspaceId, botId, databaseId: newDatabaseId() }];
  });
  const task = { url: system.webhookUrl('nango'), connections: 64, rate: 200, events } as const;
  const send = async () => {
    await using arrivals = await watchArrivals(system.db, 'databases');
    const { sent } = await sendWebhooks(watchdog, system.nango.environment.signingKey, task);
    const arrivedAt = await arrivals.of(sent);
    return sent.map(({ eventId, sentAt }) => (arrivedAt.get(eventId) ?? Number.NaN) - sentAt);
  };
  await send();
  const cost = () => cpuSecondsOf(ingress.pid) + cpuSecondsOf(worker.pid);
  const before = cost();
  const latencies = await send();
  return { CPU: ((cost() - before) / count) * 1e6, p50: percentile(latencies, 50), p99: percentile(latencies, 99) };
}
