import * as fc from 'fast-check';
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
  it('puts a key on the same partition as every Kafka client', () => {
    const partition = createStablePartitioner();
    const reference = Partitioners.DefaultPartitioner();
    const keys = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 80 }),
      fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes)),
    );
    fc.assert(
      fc.property(keys, (key) => {
        const message: Message = { key, value: null };
        const expected = reference({ topic: 't', partitionMetadata, message: { ...message } });
        expect(partition({ topic: 't', partitionMetadata, message })).toBe(expected);
        expect(partitionOfKey(key, 12)).toBe(expected);
      }),
      { numRuns: 2_000 },
    );
  });

  it('respects an explicit partition', () => {
    const message: Message = { key: 'acme', value: null, partition: 7 };
    expect(createStablePartitioner()({ topic: 't', partitionMetadata, message })).toBe(7);
  });

  it('spreads messages without a key, and keeps the partition of each in a retry', () => {
    const partition = createStablePartitioner();
    const messages = Array.from({ length: 50 }, (): Message => ({ key: null, value: null }));
    const first = messages.map((message) => partition({ topic: 't', partitionMetadata, message }));
    const again = messages.map((message) => partition({ topic: 't', partitionMetadata, message }));
    expect(again).toEqual(first);
    expect(new Set(first).size).toBeGreaterThan(1);
  });
});
