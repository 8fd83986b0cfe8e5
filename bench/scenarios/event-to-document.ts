import type { Customer } from '@notion-mirror/demo/customers';
import type { System } from '@notion-mirror/demo/system';
import { waitUntil } from '@notion-mirror/local-stack/wait-until';
import type { Db } from 'mongodb';
import { watchArrivals } from '../arrivals.ts';
import { prepareWithSystem, type BenchSystem } from '../bench-system.ts';
import { startBareClients } from '../floors/bare-clients.ts';
import { sendWebhooks } from '../load/sent-webhooks.ts';
import { cpuSecondsOf, residentMegabytesOf } from '../process-cost.ts';
import type { Contender, Scenario } from '../scenario.ts';
import { percentile } from '../statistics.ts';

/** Latency of a call to Notion; a document takes two calls. */
const callMs = 20;
const patienceMs = 120_000;

/** Where webhooks are sent, and where their documents arrive. */
interface Measured {
  readonly name: string;
  readonly url: string;
  readonly db: Db;
  readonly ingressPid: number;
  readonly workerPid: number;
}

/** Webhooks for databases of many tenants: how long until MongoDB shows the change that each of them announced. */
export function eventToDocumentScenario(options: {
  readonly name: string;
  readonly title: string;
  readonly workspaces: number;
  /** Of each workspace. An event is for one of them, in turn. */
  readonly databases: number;
  readonly events: number;
  /** With `quick`. */
  readonly fewEvents: number;
  /** Events in a second; null: as many as are accepted. */
  readonly rate: number | null;
  readonly targets: Scenario['targets'];
}): Scenario {
  return {
    name: options.name,
    title: `${options.title} (Notion: ${callMs} ms a call, two calls a document)`,
    figures: [
      { name: 'p50', unit: 'ms' },
      { name: 'p95', unit: 'ms' },
      { name: 'p99', unit: 'ms' },
      { name: 'ack p50', unit: 'ms' },
      { name: 'ack p99', unit: 'ms' },
      { name: 'documents', unit: '/s' },
      { name: 'CPU', unit: 'µs' },
      { name: 'CPU of the ingress', unit: 'µs' },
      { name: 'CPU of the worker', unit: 'µs' },
      { name: 'CPU of Kafka', unit: 'µs' },
      { name: 'CPU of MongoDB', unit: 'µs' },
      { name: 'memory of the worker', unit: 'MB' },
      { name: 'CPU of the load', unit: 'µs' },
    ],
    targets: options.targets,
    prepare: (stack, quick) =>
      prepareWithSystem(stack, options.name, async (bench, onEnd) => {
        const { system } = bench;
        const count = quick ? options.fewEvents : options.events;
        // No more than there are events for: a quick run would mostly wait for the others to be mirrored.
        const { workspaces } = options;
        const databases = Math.min(options.databases, Math.ceil(count / workspaces));
        const { customers, events } = await populate(system, { workspaces, databases }, count);
        const [ingress, worker] = await Promise.all([system.start('ingress'), system.start('sync-worker')]);
        await untilMirrored(system, new Set(events.map(({ databaseId }) => databaseId)).size);
        system.notion.faults.inject({ kind: 'latency', latencyMs: callMs });
        const { kafka = Number.NaN, mongodb = Number.NaN } = stack.pids;
        const bare = await startBareClients(bench, onEnd, { stack, customers });
        const measured = [
          { name: 'notion-mirror', url: system.webhookUrl('nango'), db: system.db, ingressPid: ingress.pid, workerPid: worker.pid },
          { name: 'bare clients', ...bare },
        ];
        return measured.map((one) => contender(bench, one, { kafka, mongodb }, events, options.rate));
      }),
  };
}

function contender(
  { system, watchdog }: BenchSystem,
  { name, url, db, ingressPid, workerPid }: Measured,
  servers: { readonly kafka: number; readonly mongodb: number },
  events: Parameters<typeof sendWebhooks>[2]['events'],
  rate: number | null,
): Contender {
  const cost = () =>
    [cpuSecondsOf(ingressPid), cpuSecondsOf(workerPid), cpuSecondsOf(servers.kafka), cpuSecondsOf(servers.mongodb)] as const;
  async function measure() {
    const before = cost();
    await using arrivals = await watchArrivals(db);
    const task = { url, connections: 64, rate, events } as const;
    const { sent, cpuSeconds } = await sendWebhooks(watchdog, system.nango.environment.signingKey, task);
    const arrivedAt = await arrivals.of(sent);
    const after = cost();
    const latencies = sent.map(({ eventId, sentAt }) => (arrivedAt.get(eventId) ?? Number.NaN) - sentAt);
    const acks = sent.map(({ ackMs }) => ackMs);
    const firstSent = sent.reduce((first, { sentAt }) => Math.min(first, sentAt), Number.POSITIVE_INFINITY);
    const lastArrived = [...arrivedAt.values()].reduce((last, at) => Math.max(last, at), 0);
    const each = (seconds: number) => (seconds / sent.length) * 1e6;
    const [ofIngress, ofWorker] = [each(after[0] - before[0]), each(after[1] - before[1])];
    return {
      p50: percentile(latencies, 50),
      p95: percentile(latencies, 95),
      p99: percentile(latencies, 99),
      'ack p50': percentile(acks, 50),
      'ack p99': percentile(acks, 99),
      documents: sent.length / ((lastArrived - firstSent) / 1_000),
      CPU: ofIngress + ofWorker,
      'CPU of the ingress': ofIngress,
      'CPU of the worker': ofWorker,
      'CPU of Kafka': each(after[2] - before[2]),
      'CPU of MongoDB': each(after[3] - before[3]),
      'memory of the worker': residentMegabytesOf(workerPid),
      'CPU of the load': each(cpuSeconds),
    };
  }
  return { name, measure };
}

/** Tenants with databases, and the events to send: round after round over the tenants. */
async function populate(
  system: System,
  { workspaces, databases }: { readonly workspaces: number; readonly databases: number },
  count: number,
): Promise<{
  readonly customers: readonly Customer[];
  readonly events: readonly { connectionId: string; notionWorkspaceId: string; botId: string; databaseId: string }[];
}> {
  const customers: Customer[] = [];
  const tenants: { connectionId: string; notionWorkspaceId: string; botId: string; databaseIds: string[] }[] = [];
  for (let n = 0; n < workspaces; n += 1) {
    const customer = system.prepare(`tenant-${n}`, `Tenant ${n}`);
    await system.register(customer);
    customers.push(customer);
    const { connectionId, notionWorkspaceId, botId, pages } = customer;
    const databaseIds = Array.from({ length: databases }, (_, database) => {
      const parent = { type: 'page', id: pages.home } as const;
      return system.notion.createDatabase({ workspaceId: notionWorkspaceId, title: `Database ${database}`, parent }).id;
    });
    tenants.push({ connectionId, notionWorkspaceId, botId, databaseIds });
  }
  const all = Array.from({ length: databases }, (_, database) =>
    tenants.map(({ databaseIds, ...tenant }) => ({ ...tenant, databaseId: databaseIds[database] ?? '' })),
  ).flat();
  const events: typeof all = [];
  while (events.length < count) events.push(...all.slice(0, count - events.length));
  return { customers, events };
}

/** A new tenant is swept, so the worker finds its databases without events. */
async function untilMirrored({ db }: System, databases: number): Promise<void> {
  const isThere = async () => (await db.collection('databases').countDocuments()) >= databases;
  await waitUntil(`${databases} databases in the mirror`, isThere, { timeoutMs: patienceMs });
}
