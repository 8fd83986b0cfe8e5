import { watchArrivals } from '../arrivals.ts';
import { sendWebhooks } from '../load/sent-webhooks.ts';
import { newDatabaseId } from '../notion-answers.ts';
import type { Scenario } from '../scenario.ts';
import { percentile } from '../statistics.ts';
import { measureAlone, type StubSystem } from '../stub-system.ts';

const quiet = 100;
const alone = 'quiet tenants alone';
const beside = 'beside a hot workspace';

/** What 100 quiet tenants feel of one that changes 1,000 databases ten times each, far above what Notion lets anybody read of it. */
export const hotWorkspace: Scenario = {
  name: 'hot-workspace',
  title:
    '100 quiet tenants with 20 events a second, beside 10,000 events on 1,000 databases of one workspace (180 calls a minute, 20 ms a call)',
  figures: [
    { name: 'p50', unit: 'ms' },
    { name: 'p95', unit: 'ms' },
    { name: 'p99', unit: 'ms' },
  ],
  targets: [],
  plots: [
    { kind: 'bars', figure: 'p50' },
    { kind: 'bars', figure: 'p99' },
  ],
  startsAnew: true,
  prepare: async (stack, quick) => {
    const measure = (isHot: boolean) => () => {
      const options = { tenants: (quick ? 10 : quiet) + 1, callMs: 20, variables: { MIRROR_NOTION_REQUESTS_PER_MINUTE: '180' } };
      return measureAlone(stack, 'hot-workspace', options, (bench) => measureQuiet(bench, isHot, quick));
    };
    return {
      contenders: [
        { name: alone, measure: measure(false) },
        { name: beside, measure: measure(true) },
      ],
      end: async () => {},
    };
  },
};

async function measureQuiet({ system, watchdog, customers }: StubSystem, isHot: boolean, quick: boolean) {
  const [hot, ...others] = customers;
  if (hot === undefined) throw new Error('there is no tenant');
  await Promise.all([system.start('ingress'), system.start('sync-worker')]);
  const eventOf = ({ connectionId, notionWorkspaceId, botId }: typeof hot, databaseId: string) => ({
    connectionId,
    notionWorkspaceId,
    botId,
    databaseId,
  });
  const url = system.webhookUrl('nango');
  const { signingKey } = system.nango.environment;
  const send = (rate: number | null, events: ReturnType<typeof eventOf>[]) =>
    sendWebhooks(watchdog, signingKey, { url, connections: 64, rate, type: 'database.content_updated', events });
  const quietEvents = (each: number) => Array.from({ length: each }, () => others.map((one) => eventOf(one, newDatabaseId()))).flat();
  await send(20, quietEvents(1));
  const databases = Array.from({ length: quick ? 100 : 1_000 }, newDatabaseId);
  if (isHot) await send(null, Array.from({ length: 10 }, () => databases.map((databaseId) => eventOf(hot, databaseId))).flat());
  await using arrivals = await watchArrivals(system.db);
  const { sent } = await send(20, quietEvents(quick ? 1 : 5));
  const arrivedAt = await arrivals.of(sent, 'live');
  const latencies = sent.map(({ eventId, sentAt }) => (arrivedAt.get(eventId) ?? Number.NaN) - sentAt);
  return { p50: percentile(latencies, 50), p95: percentile(latencies, 95), p99: percentile(latencies, 99) };
}
