import type { System } from '@notion-mirror/demo/system';
import { waitUntil } from '@notion-mirror/local-stack/wait-until';
import { Timestamp } from 'mongodb';
import { z } from 'zod';
import { prepareWithSystem } from '../bench-system.ts';
import { runTask } from '../children.ts';
import { cpuSecondsOf, residentMegabytesOf } from '../process-cost.ts';
import type { Scenario } from '../scenario.ts';
import { percentile } from '../statistics.ts';

/** What Notion takes for a call; a document takes two. */
const callMs = 20;
const patienceMs = 120_000;

const sentSchema = z.object({
  sent: z.array(z.object({ eventId: z.string(), sentAt: z.number(), ackMs: z.number() })),
  cpuSeconds: z.number(),
});

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
      { name: 'CPU of the ingress', unit: 'µs' },
      { name: 'CPU of the worker', unit: 'µs' },
      { name: 'memory of the worker', unit: 'MB' },
      { name: 'CPU of the load', unit: 'µs' },
    ],
    targets: options.targets,
    prepare: (stack, quick) =>
      prepareWithSystem(stack, options.name, async ({ system, watchdog }) => {
        const events = await populate(system, options, quick ? options.fewEvents : options.events);
        const [ingress, worker] = await Promise.all([system.start('ingress'), system.start('sync-worker')]);
        await untilMirrored(system, new Set(events.map(({ databaseId }) => databaseId)).size);
        system.notion.faults.inject({ kind: 'latency', latencyMs: callMs });
        const cost = () => [cpuSecondsOf(ingress.pid), cpuSecondsOf(worker.pid)] as const;

        const measure = async () => {
          const before = cost();
          await using arrivals = await watchArrivals(system);
          const task = { url: system.webhookUrl('nango'), connections: 64, rate: options.rate, events };
          const key = { BENCH_SIGNING_KEY: system.nango.environment.signingKey };
          const { sent, cpuSeconds } = sentSchema.parse(await runTask(watchdog, 'load/webhook-sender.ts', task, key));
          const arrivedAt = await arrivals.of(sent.map(({ eventId }) => eventId));
          const after = cost();
          const latencies = sent.map(({ eventId, sentAt }) => (arrivedAt.get(eventId) ?? Number.NaN) - sentAt);
          const acks = sent.map(({ ackMs }) => ackMs);
          const firstSent = sent.reduce((first, { sentAt }) => Math.min(first, sentAt), Number.POSITIVE_INFINITY);
          const lastArrived = [...arrivedAt.values()].reduce((last, at) => Math.max(last, at), 0);
          const each = (seconds: number) => (seconds / sent.length) * 1e6;
          return {
            p50: percentile(latencies, 50),
            p95: percentile(latencies, 95),
            p99: percentile(latencies, 99),
            'ack p50': percentile(acks, 50),
            'ack p99': percentile(acks, 99),
            documents: sent.length / ((lastArrived - firstSent) / 1_000),
            'CPU of the ingress': each(after[0] - before[0]),
            'CPU of the worker': each(after[1] - before[1]),
            'memory of the worker': residentMegabytesOf(worker.pid),
            'CPU of the load': each(cpuSeconds),
          };
        };
        return [{ name: 'notion-mirror', measure }];
      }),
  };
}

/** Tenants with databases, and the events to send: round after round over the tenants. */
async function populate(
  system: System,
  { workspaces, databases }: { readonly workspaces: number; readonly databases: number },
  count: number,
): Promise<{ connectionId: string; notionWorkspaceId: string; botId: string; databaseId: string }[]> {
  const tenants: { connectionId: string; notionWorkspaceId: string; botId: string; databaseIds: string[] }[] = [];
  for (let n = 0; n < workspaces; n += 1) {
    const customer = system.prepare(`tenant-${n}`, `Tenant ${n}`);
    await system.register(customer);
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
  return events;
}

/** A new tenant is swept, so its databases come by themselves. */
async function untilMirrored({ db }: System, databases: number): Promise<void> {
  const isThere = async () => (await db.collection('databases').countDocuments()) >= databases;
  await waitUntil(`${databases} databases in the mirror`, isThere, { timeoutMs: patienceMs });
}

interface Arrivals extends AsyncDisposable {
  /** When MongoDB told of the document that each event led to, epoch ms. Rejects when some do not come. */
  of(eventIds: readonly string[]): Promise<ReadonlyMap<string, number>>;
}

/** By a change stream: what a product that reads the mirror would see, majority committed. */
async function watchArrivals({ db }: System): Promise<Arrivals> {
  const arrivedAt = new Map<string, number>();
  const { operationTime } = z.object({ operationTime: z.instanceof(Timestamp) }).parse(await db.command({ ping: 1 }));
  const pipeline = [{ $project: { 'fullDocument.lastEvent.id': 1 } }];
  const stream = db.collection('database_records').watch(pipeline, { startAtOperationTime: operationTime });
  stream.on('change', (change) => {
    const id = 'fullDocument' in change ? (change.fullDocument?.['lastEvent'] as { id?: string } | undefined)?.id : undefined;
    if (id !== undefined) arrivedAt.set(id, Date.now());
  });
  return {
    async of(eventIds) {
      const haveArrived = async () => eventIds.every((id) => arrivedAt.has(id));
      await waitUntil(`a document of its own for each of ${eventIds.length} events`, haveArrived, { timeoutMs: patienceMs });
      return arrivedAt;
    },
    [Symbol.asyncDispose]: () => stream.close(),
  };
}
