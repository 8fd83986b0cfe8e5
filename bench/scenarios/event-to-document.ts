import type { Customer } from '@notion-mirror/demo/customers';
import type { System } from '@notion-mirror/demo/system';
import { waitUntil } from '@notion-mirror/local-stack/wait-until';
import type { Db } from 'mongodb';
import { watchArrivals } from '../arrivals.ts';
import { prepareWithSystem, type BenchSystem } from '../bench-system.ts';
import { startBareClients } from '../floors/bare-clients.ts';
import { sendWebhooks } from '../load/sent-webhooks.ts';
import { postgresOf, startPeer, type Polling } from '../peers/dbos/peer.ts';
import { cpuSecondsOf, cpuSecondsOfFamily, residentMegabytesOf } from '../process-cost.ts';
import type { Contender, Scenario } from '../scenario.ts';
import { percentile } from '../statistics.ts';

/** What Notion takes for a call; a document takes two. */
const callMs = 20;
const patienceMs = 120_000;

/** By the name of its contender. */
const peers = { 'DBOS, default polling': null, 'DBOS, polling 20 ms': 20 } as const satisfies Record<string, Polling>;
export type PeerName = keyof typeof peers;

/** What webhooks are sent to, and where its mirror is. */
interface Measured {
  readonly name: string;
  readonly url: string;
  readonly db: Db;
  readonly ingressPid: number;
  readonly workerPid: number;
  /** What keeps the accepted events: Kafka or PostgreSQL. */
  readonly logPid: number;
  /** Resolves when nothing is left to do that would cost the next one something. */
  readonly untilIdle: () => Promise<void>;
  /** Runs what is measured during the work. */
  readonly awake: <T>(work: () => Promise<T>) => Promise<T>;
}

/** Webhooks for databases of many tenants, and how long it takes until MongoDB shows what each of them told of. */
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
  /** Who does the same beside it. */
  readonly beside: readonly PeerName[];
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
      { name: 'CPU of Kafka or PostgreSQL', unit: 'µs' },
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
        const all: Measured[] = [
          {
            name: 'notion-mirror',
            url: system.webhookUrl('nango'),
            db: system.db,
            ingressPid: ingress.pid,
            workerPid: worker.pid,
            logPid: kafka,
            // Lanes coalesce: when all documents are there, no more than a fetch of each is on its way.
            untilIdle: async () => {},
            awake: (work) => work(),
          },
        ];
        if (options.beside.length > 0) {
          const bare = await startBareClients(bench, onEnd, { stack, customers });
          all.push({ ...bare, name: 'bare clients', logPid: kafka, untilIdle: async () => {}, awake: (work) => work() });
        }
        const postgres = options.beside.length === 0 ? null : await postgresOf(bench, onEnd);
        // One is enough to see that it works.
        for (const [index, name] of (quick ? options.beside.slice(-1) : options.beside).entries()) {
          if (postgres === null) break;
          const database = `${system.db.databaseName}_peer_${index}`;
          const peer = await startPeer(bench, onEnd, { name: database, postgres, customers, polling: peers[name], runs: true });
          all.push({ ...peer, name, ingressPid: peer.pid, workerPid: peer.pid, logPid: postgres.pid });
        }
        return all.map((measured) => contender(bench, measured, mongodb, events, options.rate));
      }),
  };
}

function contender(
  { system, watchdog }: BenchSystem,
  { name, url, db, ingressPid, workerPid, logPid, untilIdle, awake }: Measured,
  mongodbPid: number,
  events: Parameters<typeof sendWebhooks>[2]['events'],
  rate: number | null,
): Contender {
  const isOneProcess = ingressPid === workerPid;
  const cost = () =>
    [cpuSecondsOf(ingressPid), cpuSecondsOf(workerPid), cpuSecondsOfFamily(logPid), cpuSecondsOfFamily(mongodbPid)] as const;
  return {
    name,
    measure: () => awake(measure),
  };

  async function measure() {
    const before = cost();
    await using arrivals = await watchArrivals(db);
    const task = { url, connections: 64, rate, type: 'database.content_updated', events } as const;
    const { sent, cpuSeconds } = await sendWebhooks(watchdog, system.nango.environment.signingKey, task);
    const arrivedAt = await arrivals.of(sent, 'live');
    await untilIdle();
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
      CPU: isOneProcess ? ofIngress : ofIngress + ofWorker,
      ...(!isOneProcess && { 'CPU of the ingress': ofIngress, 'CPU of the worker': ofWorker }),
      'CPU of Kafka or PostgreSQL': each(after[2] - before[2]),
      'CPU of MongoDB': each(after[3] - before[3]),
      'memory of the worker': residentMegabytesOf(workerPid),
      'CPU of the load': each(cpuSeconds),
    };
  }
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

/** A new tenant is swept, so its databases come by themselves. */
async function untilMirrored({ db }: System, databases: number): Promise<void> {
  const isThere = async () => (await db.collection('databases').countDocuments()) >= databases;
  await waitUntil(`${databases} databases in the mirror`, isThere, { timeoutMs: patienceMs });
}
