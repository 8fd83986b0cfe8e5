import type { ServiceName } from '@notion-mirror/demo/service-process';
import { allServices, type Scenario, type Stage } from '../scenario.ts';

/** kill -9 and a new process, several times. */
async function crash({ services, between, count }: Stage, name: ServiceName, times: number): Promise<void> {
  for (let time = 0; time < times; time += 1) {
    await between(300, 1_500);
    await services.kill(name);
    count('kills');
    await between(0, 500);
    await services.startMissing([name]);
  }
}

const calm: Scenario = { name: 'calm', what: 'nothing breaks', damage: ({ between }) => between(3_000, 4_000) };

const servicesKilled: Scenario = {
  name: 'services-killed',
  what: 'kill -9 of each service, three times, at random moments, also while another one is down',
  async damage(stage) {
    await Promise.all(allServices.map((name) => crash(stage, name, 3)));
  },
};

const rebalances: Scenario = {
  name: 'rebalances',
  what: 'two sync-workers join, leave and are killed',
  async damage({ services, between, random, count }) {
    await services.start('sync-worker');
    const killedFirst = random.chance(0.5);
    for (const isKilled of [killedFirst, !killedFirst]) {
      await between(500, 1_500);
      const victim = random.pickAny(services.running('sync-worker'));
      if (victim === undefined) throw new Error('no sync-worker runs');
      if (isKilled) await services.kill('sync-worker');
      else await services.stop(victim);
      count('left');
      await between(0, 800);
      await Promise.all(Array.from({ length: 2 - services.running('sync-worker').length }, () => services.start('sync-worker')));
    }
    await between(500, 1_000);
  },
};

export const serviceScenarios: readonly Scenario[] = [calm, servicesKilled, rebalances];
