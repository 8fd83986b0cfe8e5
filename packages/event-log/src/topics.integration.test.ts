import { afterAll, describe, expect, inject, it } from 'vitest';
import { isolatedLog } from './testing/isolated-log.ts';
import { databaseStates } from './entities/database-state.ts';
import { stateLogOf } from './state-contract.ts';
import { createTopics, describeTopics, topicsFor } from './topics.ts';

const log = isolatedLog(inject('stack'));
const { events, deadLetters } = topicsFor(log.prefix);
const stateLog = stateLogOf(log.prefix, databaseStates);
const states = stateLog.topic;
const settings = { partitions: 4, replicationFactor: 1, retentionMs: 86_400_000 };
afterAll(log.remove);

describe('creating the topics', () => {
  it('returns the topics it created, once', async () => {
    const before = await describeTopics(log.kafka, log.prefix, settings, [stateLog]);
    expect(before.map(({ topic, exists }) => [topic, exists])).toEqual([
      [events, false],
      [deadLetters, false],
      [states, false],
    ]);
    const created = await createTopics(log.kafka, log.prefix, settings, [stateLog]);
    expect(created).toEqual([
      {
        topic: events,
        exists: true,
        created: true,
        partitions: 4,
        replicationFactor: 1,
        partitionsWithoutLeader: [],
        underReplicatedPartitions: [],
        differences: [],
      },
      {
        topic: deadLetters,
        exists: true,
        created: true,
        partitions: 1,
        replicationFactor: 1,
        partitionsWithoutLeader: [],
        underReplicatedPartitions: [],
        differences: [],
      },
      {
        topic: states,
        exists: true,
        created: true,
        partitions: 4,
        replicationFactor: 1,
        partitionsWithoutLeader: [],
        underReplicatedPartitions: [],
        differences: [],
      },
    ]);
    const again = await createTopics(log.kafka, log.prefix, settings, [stateLog]);
    expect(again.map((topic) => topic.created)).toEqual([false, false, false]);
  });

  it('returns the differences from the settings, and changes nothing', async () => {
    const found = await createTopics(log.kafka, log.prefix, { partitions: 24, replicationFactor: 1, retentionMs: 5_000 }, [stateLog]);
    expect(found[0]).toMatchObject({
      created: false,
      partitions: 4,
      differences: ['partitions is 4, not 24', 'retention.ms is 86400000, not 5000'],
    });
  });

  it('can be done by two processes at a time', async () => {
    const prefix = `${log.prefix}twice.`;
    const both = await Promise.all([1, 2].map(() => createTopics(log.kafka, prefix, settings, [stateLogOf(prefix, databaseStates)])));
    for (const topic of both.flat()) expect(topic).toMatchObject({ exists: true, differences: [] });
    expect(both.flat().filter(({ created }) => created)).toHaveLength(3);
  });
});
