import type { ServiceName } from '@notion-mirror/demo/service-process';
import type { Scenario, Stage } from '../scenario.ts';

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

const ingressKilled: Scenario = {
  name: 'ingress-killed',
  what: 'kill -9 of the ingress at random moments',
  damage: (stage) => crash(stage, 'ingress', 3),
};

const syncWorkerKilled: Scenario = {
  name: 'sync-worker-killed',
  what: 'kill -9 of the sync-worker at random moments',
  damage: (stage) => crash(stage, 'sync-worker', 3),
};

const deleteWorkerKilled: Scenario = {
  name: 'delete-worker-killed',
  what: 'kill -9 of the delete-worker at random moments',
  damage: (stage) => crash(stage, 'delete-worker', 3),
};

const rebalances: Scenario = {
  name: 'rebalances',
  what: 'two sync-workers, which join, leave and are killed',
  async damage({ services, between, random, count }) {
    await services.start('sync-worker');
    for (let time = 0; time < 3; time += 1) {
      await between(500, 1_500);
      const victim = random.pickAny(services.running('sync-worker'));
      if (victim === undefined) throw new Error('no sync-worker runs');
      if (random.chance(0.5)) await services.stop(victim);
      else await services.kill('sync-worker');
      count('left');
      await between(0, 800);
      await Promise.all(Array.from({ length: 2 - services.running('sync-worker').length }, () => services.start('sync-worker')));
    }
    await between(500, 1_000);
  },
};

export const serviceScenarios: readonly Scenario[] = [calm, ingressKilled, syncWorkerKilled, deleteWorkerKilled, rebalances];
