import { topicsFor } from '@notion-mirror/event-log/topics';
import { repeatedWebhooks } from '../repeated-webhooks.ts';
import { allServices, type Scenario, type Stage } from '../scenario.ts';
import { sendWebhook } from '../send-webhook.ts';

const eventsTopic = ({ system }: Stage) => topicsFor(system.env['MIRROR_TOPIC_PREFIX'] ?? '').events;

const brokerLeaderKilled: Scenario = {
  name: 'broker-leader-killed',
  what: 'kill -9 of the broker that leads a partition, and its return',
  async damage(stage) {
    const { cluster, between, random } = stage;
    await between(500, 1_500);
    const leader = await cluster.leaderOf(eventsTopic(stage), random.integer(6));
    await leader.kill();
    await between(6_000, 8_000);
    await leader.start();
    await between(1_000, 2_000);
  },
};

const brokersRestarted: Scenario = {
  name: 'brokers-restarted',
  what: 'all three brokers are down at once: the ingress keeps accepting events, into MongoDB',
  async damage({ cluster, between }) {
    await between(500, 1_000);
    await Promise.all(cluster.brokers.map((broker) => broker.kill()));
    await between(3_000, 4_000);
    await Promise.all(cluster.brokers.map((broker) => broker.start()));
  },
};

const brokersRolled: Scenario = {
  name: 'brokers-rolled',
  what: 'the brokers are restarted one after another, as for an upgrade',
  async damage({ cluster, between }) {
    for (const broker of cluster.brokers) {
      await broker.stop();
      await between(200, 500);
      await broker.start();
      await cluster.heal();
    }
  },
};

const kafkaCutOff: Scenario = {
  name: 'kafka-cut-off',
  what: 'the network between the services and Kafka is cut, then connections hang',
  async damage({ cluster, between }) {
    const { kafka } = cluster.proxies;
    await between(500, 1_000);
    await Promise.all(kafka.map((proxy) => proxy.cut()));
    await between(3_000, 5_000);
    await Promise.all(kafka.map((proxy) => proxy.restore()));
    await between(2_000, 3_000);
    await Promise.all(kafka.map((proxy) => proxy.hang()));
    await between(3_000, 5_000);
    await Promise.all(kafka.map((proxy) => proxy.clear()));
  },
};

const primaryLost: Scenario = {
  name: 'mongodb-primary-lost',
  what: 'the primary of MongoDB steps down; the next one is killed with -9',
  async damage({ cluster, between }) {
    await between(500, 1_500);
    await (await cluster.primary()).stepDown();
    await between(1_000, 2_000);
    const primary = await cluster.primary();
    await primary.kill();
    await between(3_000, 4_000);
    await primary.start();
    await cluster.primary();
  },
};

const mongodbAway: Scenario = {
  name: 'mongodb-away',
  what: 'MongoDB is entirely unavailable: the ingress answers from its cached connections',
  async damage({ cluster, between }) {
    await between(500, 1_000);
    await Promise.all(cluster.proxies.mongodb.map((proxy) => proxy.cut()));
    await between(5_000, 7_000);
    await Promise.all(cluster.proxies.mongodb.map((proxy) => proxy.restore()));
  },
};

const bothAway: Scenario = {
  name: 'kafka-and-mongodb-away',
  what: 'Kafka and MongoDB are unavailable at once: 503, and recovery without a restart',
  async damage(stage) {
    const { cluster, system, between, count } = stage;
    const proxies = [...cluster.proxies.kafka, ...cluster.proxies.mongodb];
    await between(500, 1_000);
    const nextBody = await repeatedWebhooks(stage);
    await Promise.all(proxies.map((proxy) => proxy.cut()));
    const until = performance.now() + 5_000;
    while (performance.now() < until) {
      // There is nowhere to keep it. (Kafka may still deliver a record after the 503: harmless, like any duplicate.)
      const status = await sendWebhook(system, nextBody());
      if (status !== 503) throw new Error(`with Kafka and MongoDB unavailable, a webhook was answered ${status}`);
      count('answered503');
      await between(100, 300);
    }
    await Promise.all(proxies.map((proxy) => proxy.restore()));
  },
};

const registryAway: Scenario = {
  name: 'registry-away',
  what: 'the schema registry is killed; a worker started meanwhile waits for it',
  async damage({ cluster, services, between }) {
    await between(500, 1_000);
    await cluster.registry.kill();
    await between(1_000, 2_000);
    await services.kill('sync-worker');
    const starting = services.start('sync-worker');
    await between(1_000, 2_000);
    await cluster.registry.start();
    await starting;
  },
};

const slowNetwork: Scenario = {
  name: 'slow-network',
  what: '40 ms ± 20 ms on every byte to and from Kafka, MongoDB and the registry',
  async damage({ cluster, between }) {
    const { kafka, mongodb, registry } = cluster.proxies;
    await Promise.all([...kafka, ...mongodb, registry].map((proxy) => proxy.slow(40, 20)));
    await between(8_000, 10_000);
  },
};

const resets: Scenario = {
  name: 'connections-reset',
  what: 'connections to Kafka and MongoDB are reset repeatedly',
  async damage({ cluster, random, between, count }) {
    const proxies = [...cluster.proxies.kafka, ...cluster.proxies.mongodb];
    for (let time = 0; time < 8; time += 1) {
      const proxy = random.pickAny(proxies);
      await proxy?.cut();
      await between(50, 400);
      await proxy?.restore();
      count('resets');
      await between(300, 700);
    }
  },
};

const everythingRestarted: Scenario = {
  name: 'everything-restarted',
  what: 'all services and all servers are killed at once and started again on the same data',
  async damage({ cluster, services, between }) {
    await between(1_500, 2_500);
    const nodes = [...cluster.brokers, ...cluster.mongods];
    await Promise.all([...allServices.map((name) => services.kill(name)), ...nodes.map((node) => node.kill()), cluster.registry.kill()]);
    // No start order: everything starts when it can.
    const serversStart = Promise.all(nodes.map((node) => node.start())).then(() => cluster.registry.start());
    await Promise.all([serversStart, services.startMissing(allServices)]);
  },
};

export const serverScenarios: readonly Scenario[] = [
  brokerLeaderKilled,
  brokersRestarted,
  brokersRolled,
  kafkaCutOff,
  primaryLost,
  mongodbAway,
  bothAway,
  registryAway,
  slowNetwork,
  resets,
  everythingRestarted,
];
