/**
 * The settings of a single-node broker for development and tests, as Kafka's properties.
 * `listeners`: name → where it binds, and what clients are told to connect to. The first one is also the broker's own.
 */
export function kafkaSettings(options: {
  logDir: string;
  listeners: Readonly<Record<string, { bind: string; advertise: string }>>;
  controller: string;
}): Record<string, string> {
  const listeners = Object.entries(options.listeners);
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@${options.controller}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': listeners[0]?.[0] ?? '',
    listeners: [...listeners.map(([name, { bind }]) => `${name}://${bind}`), `CONTROLLER://${options.controller}`].join(','),
    'advertised.listeners': listeners.map(([name, { advertise }]) => `${name}://${advertise}`).join(','),
    'listener.security.protocol.map': [...listeners.map(([name]) => name), 'CONTROLLER'].map((name) => `${name}:PLAINTEXT`).join(','),
    'log.dirs': options.logDir,
    // Topics are made by `mirror init`; a typo must not make one.
    'auto.create.topics.enable': 'false',
    'offsets.topic.replication.factor': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    // One partition of each is as good as fifty on one node, and made at once.
    'offsets.topic.num.partitions': '1',
    'transaction.state.log.num.partitions': '1',
    'share.coordinator.state.topic.num.partitions': '1',
    // A consumer group starts now, not in 3 seconds when more members may have come.
    'group.initial.rebalance.delay.ms': '0',
    // The schema registry keeps its journal in a topic without a retention of its own; kept data must not lose it after a week.
    'log.retention.ms': '-1',
    // The default takes 128 MB of the heap.
    'log.cleaner.dedupe.buffer.size': '10485760',
  };
}
