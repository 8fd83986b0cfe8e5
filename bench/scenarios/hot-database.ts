import { waitUntil } from '@notion-mirror/local-stack/wait-until';
import { prepareWithSystem } from '../bench-system.ts';
import { sendWebhooks } from '../load/sent-webhooks.ts';
import { cpuSecondsOf } from '../process-cost.ts';
import type { Scenario } from '../scenario.ts';
import { metricOf } from '../service-metrics.ts';

/** Events that wait for the same database are answered by one fetch. */
export const hotDatabase: Scenario = {
  name: 'hot-database',
  title: '10,000 events on one database, as fast as they are accepted (Notion: 20 ms a call)',
  figures: [
    { name: 'until the last is mirrored', unit: 's' },
    { name: 'calls to Notion', unit: '' },
    { name: 'CPU of the worker', unit: 'µs' },
  ],
  targets: [],
  plots: [{ kind: 'bars', figure: 'calls to Notion' }],
  prepare: (stack, quick) =>
    prepareWithSystem(stack, 'hot-database', async ({ system, watchdog }) => {
      const customer = system.prepare('tenant-hot', 'A busy customer');
      await system.register(customer);
      const { connectionId, notionWorkspaceId, botId, pages } = customer;
      const parent = { type: 'page', id: pages.home } as const;
      const { id: databaseId } = system.notion.createDatabase({ workspaceId: notionWorkspaceId, title: 'The busy one', parent });
      const [, worker] = await Promise.all([system.start('ingress'), system.start('sync-worker')]);
      const records = system.db.collection('database_records');
      const isMirrored = async () => (await records.countDocuments()) > 0;
      await waitUntil('the database in the mirror', isMirrored, { timeoutMs: 60_000 });
      system.notion.faults.inject({ kind: 'latency', latencyMs: 20 });
      const count = quick ? 200 : 10_000;
      const events = Array.from({ length: count }, () => ({ connectionId, notionWorkspaceId, botId, databaseId }));
      const task = { url: system.webhookUrl('nango'), connections: 64, rate: null, type: 'database.content_updated', events } as const;
      const callsMade = () => metricOf(worker, 'notion_mirror_notion_requests_total');
      const measure = async () => {
        const [calls, cpu, began] = [await callsMade(), cpuSecondsOf(worker.pid), Date.now()];
        const { sent } = await sendWebhooks(watchdog, system.nango.environment.signingKey, task);
        const last = Math.max(...sent.map(({ sentAt }) => sentAt));
        const hasSeenAll = async () => (await records.countDocuments({ databaseId, asOf: { $gte: new Date(last) } })) > 0;
        await waitUntil('a fetch after the last event', hasSeenAll, { timeoutMs: 60_000 });
        return {
          'until the last is mirrored': (Date.now() - began) / 1_000,
          'calls to Notion': (await callsMade()) - calls,
          'CPU of the worker': ((cpuSecondsOf(worker.pid) - cpu) / count) * 1e6,
        };
      };
      return [{ name: 'notion-mirror', measure }];
    }),
};
