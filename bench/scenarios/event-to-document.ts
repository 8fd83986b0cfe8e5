import type { Customer } from '@notion-mirror/demo/customers';
import type { System } from '@notion-mirror/demo/system';
import { waitUntil } from '@notion-mirror/local-stack/wait-until';
import { arrivalFigures, measureArrivals } from '../arrival-figures.ts';
import { prepareWithSystem } from '../bench-system.ts';
import { startBareClients } from '../floors/bare-clients.ts';
import type { Scenario } from '../scenario.ts';

/** Latency of a call to Notion; a document takes two calls. */
const callMs = 20;
const patienceMs = 120_000;

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
    figures: arrivalFigures,
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
        const bare = await startBareClients(bench, onEnd, { stack, customers, notionUrl: system.notion.url });
        const own = { url: system.webhookUrl('nango'), db: system.db, ingressPid: ingress.pid, workerPid: worker.pid };
        const load = { of: 'databases', events, rate: options.rate } as const;
        return [
          { name: 'notion-mirror', measure: () => measureArrivals(bench, own, stack.pids, load) },
          { name: 'bare clients', measure: () => measureArrivals(bench, bare, stack.pids, load) },
        ];
      }),
  };
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
