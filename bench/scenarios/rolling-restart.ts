import { cpuSecondsOf } from '../process-cost.ts';
import { metricOf } from '../service-metrics.ts';
import type { Contender, Scenario } from '../scenario.ts';
import { percentile } from '../statistics.ts';
import { measureAlone, type StubSystem } from '../stub-system.ts';
import { waitUntil } from '@notion-mirror/local-stack/wait-until';

const eventsPerSecond = 20;
const everyMs = 100;

/** What a rolling restart costs: each worker that leaves or joins stops its whole group for a rebalance. */
export const rollingRestart: Scenario = {
  name: 'rolling-restart',
  title: `Each sync-worker is stopped and started, one after the other, at ${eventsPerSecond} events a second, 24 partitions, 200 tenants, Notion at 200 ms a call`,
  figures: [
    { name: 'a worker', unit: 's' },
    { name: 'assignments', unit: 'a member' },
    { name: 'p50', unit: 'ms' },
    { name: 'p99', unit: 'ms' },
    { name: 'max', unit: 'ms' },
    { name: 'handled twice', unit: '%' },
    { name: 'CPU of a start', unit: 'ms' },
  ],
  targets: [],
  startsOwnSystems: true,
  isLarger: true,
  prepare: async (stack, quick) => ({
    contenders: (quick ? [1] : [1, 4, 8]).map((workers): Contender => ({
      name: workers === 1 ? '1 worker' : `${workers} workers`,
      measure: () =>
        measureAlone(stack, 'rolling-restart', { callMs: 200, quick, variables: { MIRROR_KAFKA_PARTITIONS: '24' } }, (bench) =>
          measureRestart(bench, workers),
        ),
    })),
    end: async () => {},
  }),
};

async function measureRestart({ system, backlog }: StubSystem, workers: number) {
  const members = [];
  for (let member = 0; member < workers; member += 1) members.push(await system.start('sync-worker'));
  const outcomes = system.db.collection<{ eventId: string; receivedAt: Date; at: Date }>('event_outcomes');
  let sent = 0;
  const sending = setInterval(() => {
    sent += (eventsPerSecond * everyMs) / 1_000;
    void backlog.append((eventsPerSecond * everyMs) / 1_000);
  }, everyMs);
  await waitUntil('the first events', async () => (await outcomes.countDocuments()) > eventsPerSecond, { timeoutMs: 60_000 });
  const began = Date.now();
  const cpu: number[] = [];
  for (const [index, member] of members.entries()) {
    await member.stop();
    const started = await system.start('sync-worker');
    members[index] = started;
    cpu.push(cpuSecondsOf(started.pid) * 1_000);
  }
  const seconds = (Date.now() - began) / 1_000;
  clearInterval(sending);
  await waitUntil('an outcome of each event', async () => (await outcomes.distinct('eventId')).length >= sent, { timeoutMs: 120_000 });
  const [first] = members;
  const assignments = first === undefined ? Number.NaN : await metricOf(first, 'notion_mirror_rebalances_total');
  await Promise.all(members.map((member) => member.stop()));
  const all = await outcomes.find({}, { projection: { eventId: 1, receivedAt: 1, at: 1 } }).toArray();
  const earliest = new Map<string, number>();
  for (const { eventId, receivedAt, at } of all) {
    earliest.set(eventId, Math.min(earliest.get(eventId) ?? Number.POSITIVE_INFINITY, at.getTime() - receivedAt.getTime()));
  }
  const waits = [...earliest.values()];
  return {
    'a worker': seconds / workers,
    // Of the one that was started first: its own, and one for each that left or joined since.
    assignments,
    p50: percentile(waits, 50),
    p99: percentile(waits, 99),
    max: waits.reduce((most, ms) => Math.max(most, ms), 0),
    'handled twice': ((all.length - earliest.size) / earliest.size) * 100,
    'CPU of a start': percentile(cpu, 50),
  };
}
