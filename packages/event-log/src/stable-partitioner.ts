import { Partitioners, type Message, type PartitionerArgs } from 'kafkajs';

/** The partition of a key on a topic that has so many. */
export function partitionOfKey(key: string, partitions: number): number {
  const partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => ({
    partitionErrorCode: 0,
    partitionId,
    leader: 0,
    replicas: [],
    isr: [],
  }));
  return Partitioners.DefaultPartitioner()({ topic: '', partitionMetadata, message: { key, value: null } });
}

/**
 * Kafka's default partitioner (murmur2 of the key), which for each message stands by its first answer. KafkaJS asks again for every retry of
 * a send, and a message without a key would move to another partition, where its batch can pass for one that is there already and be dropped.
 */
export function createStablePartitioner(): (args: PartitionerArgs) => number {
  const partitionOf = Partitioners.DefaultPartitioner();
  const chosen = new WeakMap<Message, number>();
  return function stablePartition(args) {
    const partition = chosen.get(args.message) ?? partitionOf(args);
    chosen.set(args.message, partition);
    return partition;
  };
}
