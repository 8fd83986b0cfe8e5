import { setTimeout as delay } from 'node:timers/promises';
import type { ServiceName } from '@notion-mirror/demo/service-process';
import { cpuSecondsOf } from '../process-cost.ts';
import type { Contender, Scenario } from '../scenario.ts';
import { prepareWithStub } from '../stub-system.ts';

const services = ['ingress', 'sync-worker', 'delete-worker'] as const satisfies readonly ServiceName[];
/** Until the work of a start is done: Node compiles for a while, and the heap is collected. */
const settleSeconds = 10;
const measuredSeconds = 20;

/** CPU time of each service with nothing to do, all threads. */
export const idle: Scenario = {
  name: 'idle',
  title: 'A service that has nothing to do, with 200 tenants',
  figures: [{ name: 'CPU', unit: 'ms/s' }],
  targets: [],
  startsOwnSystems: true,
  prepare: (stack, quick) =>
    prepareWithStub(
      stack,
      'idle',
      async ({ system }) =>
        services.map((name): Contender => ({
          name,
          async measure() {
            const service = await system.start(name);
            await delay(quick ? 100 : settleSeconds * 1_000);
            const before = cpuSecondsOf(service.pid);
            const seconds = quick ? 1 : measuredSeconds;
            await delay(seconds * 1_000);
            const used = cpuSecondsOf(service.pid) - before;
            await service.stop();
            return { CPU: (used * 1_000) / seconds };
          },
        })),
      { quick },
    ),
};
