import { setTimeout as delay } from 'node:timers/promises';
import { cpuSecondsOf, residentMegabytesOf } from '../process-cost.ts';
import type { Contender, Scenario } from '../scenario.ts';
import { measureAlone } from '../stub-system.ts';

/** Until the work of a start is done. */
const settleSeconds = 10;
const measuredSeconds = 20;

/** What partitions cost while nothing happens: KafkaJS names all of its partitions in every fetch. */
export const partitions: Scenario = {
  name: 'partitions',
  isLarger: true,
  title: 'One sync-worker with nothing to do, and Kafka, by the number of partitions that it reads',
  figures: [
    { name: 'CPU of the worker', unit: 'ms/s' },
    { name: 'CPU of Kafka', unit: 'ms/s' },
    { name: 'memory of the worker', unit: 'MB' },
    { name: 'memory of Kafka', unit: 'MB' },
  ],
  targets: [],
  startsOwnSystems: true,
  prepare: async (stack, quick) => ({
    contenders: [24, 48, 96, 192].map((count): Contender => ({
      name: `${count} partitions`,
      measure: () =>
        measureAlone(
          stack,
          'partitions',
          { tenants: 8, quick, variables: { MIRROR_KAFKA_PARTITIONS: String(count) } },
          async ({ system }) => {
            const { pid } = await system.start('sync-worker');
            const kafka = stack.pids['kafka'] ?? Number.NaN;
            await delay(quick ? 100 : settleSeconds * 1_000);
            const before = [cpuSecondsOf(pid), cpuSecondsOf(kafka)] as const;
            const seconds = quick ? 1 : measuredSeconds;
            await delay(seconds * 1_000);
            const perSecond = (of: number, since: number): number => ((cpuSecondsOf(of) - since) * 1_000) / seconds;
            return {
              'CPU of the worker': perSecond(pid, before[0]),
              'CPU of Kafka': perSecond(kafka, before[1]),
              'memory of the worker': residentMegabytesOf(pid),
              'memory of Kafka': residentMegabytesOf(kafka),
            };
          },
        ),
    })),
    end: async () => {},
  }),
};
