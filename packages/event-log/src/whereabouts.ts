import type { Admin, Kafka } from 'kafkajs';
import { withAdmin } from './kafka-client.ts';

/** Where a group continues on a partition: `committed` is null when the group never committed. `low` and `high` are the ends of the log. */
export interface Whereabouts {
  readonly partition: number;
  readonly committed: bigint | null;
  readonly low: bigint;
  readonly high: bigint;
}

/** Where a group continues: one that never committed, or whose offset is no longer on the log, begins with the oldest record. */
export function nextOffset({ committed, low }: Pick<Whereabouts, 'committed' | 'low'>): bigint {
  return committed === null || committed < low ? low : committed;
}

/** Opens a connection of its own: a kept one would not know a partition that was added later. */
export async function findWhereabouts(kafka: Kafka, groupId: string, topic: string): Promise<Whereabouts[]> {
  return withAdmin(kafka, async (admin) => whereaboutsBy(admin, groupId, topic));
}

/** The same by a connection that was opened lately. */
export async function whereaboutsBy(admin: Admin, groupId: string, topic: string): Promise<Whereabouts[]> {
  const [groupOffsets, ends] = await Promise.all([admin.fetchOffsets({ groupId, topics: [topic] }), admin.fetchTopicOffsets(topic)]);
  const committed = new Map(
    groupOffsets.flatMap(({ partitions }) => partitions).map(({ partition, offset }) => [partition, BigInt(offset)]),
  );
  return ends.map(({ partition, low, high }) => {
    const offset = committed.get(partition) ?? -1n;
    return { partition, committed: offset < 0n ? null : offset, low: BigInt(low), high: BigInt(high) };
  });
}
