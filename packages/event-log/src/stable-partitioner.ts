import { Partitioners, type Message, type PartitionerArgs } from 'kafkajs';

const partitionOf = Partitioners.DefaultPartitioner();
/** The partitioner looks at how many there are, and nothing else: a service asks for each of its tenants every few seconds. */
const metadataOf = new Map<number, PartitionerArgs['partitionMetadata']>();

/** The partition, of so many, that the records with this key are in. */
export function partitionOfKey(key: string, partitions: number): number {
  let partitionMetadata = metadataOf.get(partitions);
  if (partitionMetadata === undefined) {
    partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => ({
      partitionErrorCode: 0,
      partitionId,
      leader: 0,
      replicas: [],
      isr: [],
    }));
    metadataOf.set(partitions, partitionMetadata);
  }
  return partitionOf({ topic: '', partitionMetadata, message: { key, value: null } });
}

/**
 * Kafka's default partitioner (murmur2 of the key), which for each message stands by its first answer. KafkaJS asks again for every retry of
 * a send, and a message without a key would move to another partition, where its batch can pass for one that is there already and be dropped.
 */
export function createStablePartitioner(): (args: PartitionerArgs) => number {
  const ofMessage = Partitioners.DefaultPartitioner();
  const chosen = new WeakMap<Message, number>();
  return function stablePartition(args) {
    const partition = chosen.get(args.message) ?? ofMessage(args);
    chosen.set(args.message, partition);
    return partition;
  };
}
