import { Partitioners, type Message } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { createStablePartitioner, partitionOfKey } from './stable-partitioner.ts';

const partitionMetadata = Array.from({ length: 12 }, (_, partitionId) => ({
  partitionErrorCode: 0,
  partitionId,
  leader: 0,
  replicas: [0],
  isr: [0],
  offlineReplicas: [],
}));

describe('the partitioner', () => {
  it('puts a key where every Kafka client puts it', () => {
    const partition = createStablePartitioner();
    const reference = Partitioners.DefaultPartitioner();
    for (const key of ['acme', 'ténant', '', 'a'.repeat(500)]) {
      const message: Message = { key, value: null };
      expect(partition({ topic: 't', partitionMetadata, message })).toBe(
        reference({ topic: 't', partitionMetadata, message: { ...message } }),
      );
      expect(partitionOfKey(key, 12)).toBe(partition({ topic: 't', partitionMetadata, message }));
    }
  });

  it('spreads messages without a key, and gives each the same answer for a retry', () => {
    const partition = createStablePartitioner();
    const messages = Array.from({ length: 50 }, (): Message => ({ key: null, value: null }));
    const first = messages.map((message) => partition({ topic: 't', partitionMetadata, message }));
    const again = messages.map((message) => partition({ topic: 't', partitionMetadata, message }));
    expect(again).toEqual(first);
    expect(new Set(first).size).toBeGreaterThan(1);
  });
});
