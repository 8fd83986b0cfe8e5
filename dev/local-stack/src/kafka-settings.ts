/**
 * A broker's settings for development and tests, as Kafka properties. Without `cluster` it is a single node.
 * `listeners`: name → the bind address, and the address advertised to clients. The first is also used between brokers.
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
    // `mirror init` creates topics; a typo must not create one.
    'auto.create.topics.enable': 'false',
    'default.replication.factor': replicas,
    'min.insync.replicas': inSync,
    'offsets.topic.replication.factor': replicas,
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': inSync,
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': inSync,
    // One partition of each is enough here, and created at once.
    'offsets.topic.num.partitions': '1',
    'transaction.state.log.num.partitions': '1',
    'share.coordinator.state.topic.num.partitions': '1',
    // A consumer group starts at once, not after waiting 3 seconds for more members.
    'group.initial.rebalance.delay.ms': '0',
    // The schema registry's journal is a topic without its own retention; kept data must not lose it after a week.
    'log.retention.ms': '-1',
    // The default takes 128 MB of the heap.
    'log.cleaner.dedupe.buffer.size': '10485760',
  };
}
