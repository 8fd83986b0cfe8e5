import { Partitioners, type Message, type PartitionerArgs } from 'kafkajs';

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
