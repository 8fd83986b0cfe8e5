import { setTimeout as delay } from 'node:timers/promises';
import type { ServiceProcess } from '@notion-mirror/demo/service-process';
import { freePort } from '@notion-mirror/local-stack/ports';
import { seedLargeMirror, tenants } from '../../packages/mirror-store/test/large-mirror.ts';
import { prepareWithSystem } from '../bench-system.ts';
import { cpuSecondsOf, residentMegabytesOf } from '../process-cost.ts';
import type { Contender, Figures, Scenario } from '../scenario.ts';
import { openPages } from '../viewers.ts';

/** As for the memory of other services: V8 returns unused memory after 8 s. */
const settleMs = 12_000;
const measuredMs = 20_000;
const sampledEveryMs = 500;
const viewers = 3;
const records = 20_000;

const idle = 'no page open';
const watched = `${viewers} pages open`;
const left = 'after the pages have closed';

/** What the operators' console costs a mirror, whether or not anybody looks. */
export const consoleScenario: Scenario = {
  name: 'console',
  title: `The console of ${tenants.toLocaleString('en')} tenants: idle, with ${viewers} pages on the overview that follow events, and after they have closed`,
  figures: [
    { name: 'CPU', unit: 'ms/s' },
    { name: 'memory', unit: 'MB' },
  ],
  targets: [
    { figure: 'CPU', of: idle, against: null, bound: 'at most', value: 15 },
    ...[idle, watched, left].map((of) => ({ figure: 'memory', of, against: null, bound: 'at most', value: 120 }) as const),
    { figure: 'CPU', of: left, against: null, bound: 'at most', value: 15 },
  ],
  startsOwnSystems: true,
  prepare: (stack, quick) =>
    prepareWithSystem(stack, 'console', async ({ system }) => {
      await seedLargeMirror(system.db, records);
      const settle = async () => delay(quick ? 100 : settleMs);
      const start = async () => {
        const port = String(await freePort());
        const service = await system.start('console', undefined, { MIRROR_CONSOLE_PORT: port });
        return { service, address: `http://127.0.0.1:${port}` };
      };
      const measure = (use: (service: ServiceProcess, address: string) => Promise<Figures>) => async () => {
        const { service, address } = await start();
        try {
          await settle();
          return await use(service, address);
        } finally {
          await service.stop();
        }
      };
      // Fills Node's compile cache, with which the image ships.
      if (!quick) await (await start()).service.stop();
      const costOf = async ({ pid }: ServiceProcess): Promise<Figures> => {
        const before = cpuSecondsOf(pid);
        const ms = quick ? 1_000 : measuredMs;
        let memory = 0;
        for (let at = 0; at < ms; at += sampledEveryMs) {
          await delay(sampledEveryMs);
          memory = Math.max(memory, residentMegabytesOf(pid));
        }
        return { CPU: ((cpuSecondsOf(pid) - before) * 1e6) / ms, memory };
      };
      return [
        { name: idle, measure: measure(costOf) },
        {
          name: watched,
          measure: measure(async (service, address) => {
            await using _pages = await openPages(address, viewers);
            await settle();
            return await costOf(service);
          }),
        },
        {
          name: left,
          measure: measure(async (service, address) => {
            const pages = await openPages(address, viewers);
            await settle();
            await pages[Symbol.asyncDispose]();
            // The reader of the log stays for a while, and so do the samples.
            if (!quick) await delay(75_000);
            return costOf(service);
          }),
        },
      ] satisfies Contender[];
    }),
};
