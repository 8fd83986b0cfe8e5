/**
 * The settings of a broker for development and tests, as Kafka's properties. Without `cluster` it is alone.
 * `listeners`: name → where it binds, and what clients are told to connect to. The first one is also the brokers' own.
 */
export function kafkaSettings(options: {
  logDir: string;
  listeners: Readonly<Record<string, { bind: string; advertise: string }>>;
  controller: string;
  /** `voters`: the controllers of all nodes, by node id. */
  cluster?: { nodeId: number; voters: ReadonlyMap<number, string> };
}): Record<string, string> {
  const listeners = Object.entries(options.listeners);
  const { nodeId, voters } = options.cluster ?? { nodeId: 1, voters: new Map([[1, options.controller]]) };
  const replicas = String(voters.size);
  const inSync = String(Math.min(2, voters.size));
  return {
    'process.roles': 'broker,controller',
    'node.id': String(nodeId),
    'controller.quorum.voters': [...voters].map(([id, address]) => `${id}@${address}`).join(','),
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': listeners[0]?.[0] ?? '',
    listeners: [...listeners.map(([name, { bind }]) => `${name}://${bind}`), `CONTROLLER://${options.controller}`].join(','),
    'advertised.listeners': listeners.map(([name, { advertise }]) => `${name}://${advertise}`).join(','),
    'listener.security.protocol.map': [...listeners.map(([name]) => name), 'CONTROLLER'].map((name) => `${name}:PLAINTEXT`).join(','),
    'log.dirs': options.logDir,
    // Topics are made by `mirror init`; a typo must not make one.
    'auto.create.topics.enable': 'false',
    'default.replication.factor': replicas,
    'min.insync.replicas': inSync,
    'offsets.topic.replication.factor': replicas,
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': inSync,
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': inSync,
    // One partition of each is as good as fifty here, and made at once.
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
