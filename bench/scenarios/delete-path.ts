import { setTimeout as delay } from 'node:timers/promises';
import type { Customer } from '@notion-mirror/demo/customers';
import { watchArrivals } from '../arrivals.ts';
import { prepareWithSystem } from '../bench-system.ts';
import { sendWebhooks } from '../load/sent-webhooks.ts';
import { cpuSecondsOf, residentMegabytesOf } from '../process-cost.ts';
import type { Scenario } from '../scenario.ts';
import { percentile } from '../statistics.ts';

/** A record that was fetched less than this before the delete is looked up again before it is removed; the databases here were mirrored before. */
const toleranceSeconds = 1;

/** Deletes of mirrored databases, each once, and how long it takes until MongoDB shows that the content is gone. */
export function deletePath(options: {
  readonly name: string;
  readonly title: string;
  readonly workspaces: number;
  /** Each of a database of its own. */
  readonly deletes: number;
  /** With `quick`. */
  readonly fewDeletes: number;
  /** Deletes in a second; null: as many as are accepted. */
  readonly rate: number | null;
}): Scenario {
  return {
    name: options.name,
    title: options.title,
    figures: [
      { name: 'p50', unit: 'ms' },
      { name: 'p95', unit: 'ms' },
      { name: 'p99', unit: 'ms' },
      { name: 'removed', unit: '/s' },
      { name: 'CPU of the ingress', unit: 'µs' },
      { name: 'CPU of the delete-worker', unit: 'µs' },
      { name: 'memory of the delete-worker', unit: 'MB' },
    ],
    targets: [],
    prepare: (stack, quick) =>
      prepareWithSystem(
        stack,
        options.name,
        async ({ system, watchdog }) => {
          const count = quick ? options.fewDeletes : options.deletes;
          // What happens in Notion is told by our own sender, at its rate.
          system.notion.pauseSubscription({ id: system.pair.subscriptionId });
          const customers = Array.from({ length: options.workspaces }, (_, n) => system.prepare(`tenant-${n}`, `Tenant ${n}`));
          for (const customer of customers) await system.register(customer);
          const services = [system.start('ingress'), system.start('delete-worker'), system.start('sync-worker')] as const;
          const [ingress, deleteWorker] = await Promise.all(services);
          const url = system.webhookUrl('nango');
          const { signingKey } = system.nango.environment;

          const databaseOf = ({ connectionId, notionWorkspaceId, botId, pages }: Customer) => {
            const parent = { type: 'page', id: pages.home } as const;
            const { id: databaseId } = system.notion.createDatabase({ workspaceId: notionWorkspaceId, title: 'To be deleted', parent });
            return { connectionId, notionWorkspaceId, botId, databaseId };
          };

          /** New databases that the mirror has. */
          const mirrored = async () => {
            const databases = Array.from({ length: Math.ceil(count / customers.length) }, () => customers.map(databaseOf)).flat();
            const events = databases.slice(0, count);
            await using arrivals = await watchArrivals(system.db);
            const task = { url, connections: 64, rate: null, type: 'database.content_updated', events } as const;
            const { sent } = await sendWebhooks(watchdog, signingKey, task);
            await arrivals.of(sent, 'live');
            await delay(toleranceSeconds * 1_000 + 100);
            return events;
          };

          const measure = async () => {
            const events = await mirrored();
            for (const { databaseId } of events) system.notion.deletePermanently({ id: databaseId });
            const cost = () => [cpuSecondsOf(ingress.pid), cpuSecondsOf(deleteWorker.pid)] as const;
            const before = cost();
            await using arrivals = await watchArrivals(system.db);
            const task = { url, connections: 64, rate: options.rate, type: 'database.deleted', events } as const;
            const { sent } = await sendWebhooks(watchdog, signingKey, task);
            const removedAt = await arrivals.of(sent, 'removed');
            const after = cost();
            const latencies = sent.map(({ eventId, sentAt }) => (removedAt.get(eventId) ?? Number.NaN) - sentAt);
            const firstSent = sent.reduce((first, { sentAt }) => Math.min(first, sentAt), Number.POSITIVE_INFINITY);
            const lastRemoved = [...removedAt.values()].reduce((last, at) => Math.max(last, at), 0);
            const each = (seconds: number) => (seconds / sent.length) * 1e6;
            return {
              p50: percentile(latencies, 50),
              p95: percentile(latencies, 95),
              p99: percentile(latencies, 99),
              removed: sent.length / ((lastRemoved - firstSent) / 1_000),
              'CPU of the ingress': each(after[0] - before[0]),
              'CPU of the delete-worker': each(after[1] - before[1]),
              'memory of the delete-worker': residentMegabytesOf(deleteWorker.pid),
            };
          };
          return [{ name: 'notion-mirror', measure }];
        },
        { MIRROR_CLOCK_TOLERANCE_SECONDS: String(toleranceSeconds) },
      ),
  };
}
