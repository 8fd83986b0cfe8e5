import type { System } from '@notion-mirror/demo/system';
import { readAll } from '@notion-mirror/event-log/testing/isolated-log';
import { groupIdFor, topicsFor, workerNames } from '@notion-mirror/event-log/topics';
import type { Cluster } from '@notion-mirror/local-stack/cluster';
import kafkajs, { type Admin, type Kafka } from 'kafkajs';
import { onlyAScanFinds } from '../row-scans.ts';

/** One sentence for each violated expectation, once nothing is broken any more. */
export async function whatIsWrong(facts: {
  readonly cluster: Cluster;
  readonly system: System;
  /** Called last: webhooks accepted during the other checks are still to be handled. */
  readonly withoutOutcome: () => Promise<readonly string[]>;
  readonly expectedDeadLetters: number;
}): Promise<string[]> {
  const { cluster, system, expectedDeadLetters } = facts;
  const prefix = system.env['MIRROR_TOPIC_PREFIX'] ?? '';
  const topics = topicsFor(prefix);
  const groups = workerNames.map((worker) => groupIdFor(prefix, worker));
  const [differences, spooled, [deadLetters, lags]] = await Promise.all([
    system.differences(),
    system.db.collection('spooled_events').countDocuments(),
    // A new client each time: a cached one keeps asking the previous coordinator.
    withAdmin(cluster, (admin) =>
      Promise.all([recordsOf(admin, topics.deadLetters), Promise.all(groups.map((group) => lagOf(admin, group, topics.events)))]),
    ),
  ]);
  const found = differences.filter((difference) => !onlyAScanFinds(difference));
  const withoutOutcome = await facts.withoutOutcome();
  return [
    ...(found.length === 0 ? [] : [`the mirror differs from Notion in ${found.length} places: ${JSON.stringify(found.slice(0, 3))}`]),
    ...(withoutOutcome.length === 0
      ? []
      : [`${withoutOutcome.length} acknowledged events have no outcome: ${withoutOutcome.slice(0, 3).join(', ')}`]),
    ...(spooled === 0 ? [] : [`${spooled} events are in the spool`]),
    ...(deadLetters === expectedDeadLetters ? [] : [`${deadLetters} dead letters instead of ${expectedDeadLetters}`]),
    ...(lags.every((lag) => lag === 0) ? [] : [`the workers are ${lags.join(' and ')} records behind`]),
  ];
}

/** For each event without an outcome, whether it was lost before the log or skipped by a worker. */
export async function whereabouts(cluster: Cluster, system: System, missing: readonly string[]): Promise<string[]> {
  if (missing.length === 0) return [];
  const { events } = topicsFor(system.env['MIRROR_TOPIC_PREFIX'] ?? '');
  const records = await readAll(kafkaOf(cluster), events);
  return missing.map((key) => {
    const [, workspaceId, eventId] = key.split(' ');
    const found = records.filter((record) => record.key === workspaceId && record.headers['ce_id'] === eventId);
    const places = found.map(({ partition, offset }) => `${partition}:${offset}`);
    return places.length === 0 ? `${key} is not on the log` : `${key} is on the log at ${places.join(', ')}`;
  });
}

function kafkaOf(cluster: Cluster): Kafka {
  const brokers = cluster.direct.kafkaBrokers.split(',');
  return new kafkajs.Kafka({ brokers, clientId: 'faults', logLevel: kafkajs.logLevel.NOTHING });
}

async function withAdmin<T>(cluster: Cluster, use: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafkaOf(cluster).admin();
  await admin.connect();
  try {
    return await use(admin);
  } finally {
    await admin.disconnect();
  }
}

async function recordsOf(admin: Admin, topic: string): Promise<number> {
  const partitions = await admin.fetchTopicOffsets(topic);
  return partitions.reduce((sum, { high, low }) => sum + Number(BigInt(high) - BigInt(low)), 0);
}

async function lagOf(admin: Admin, groupId: string, topic: string): Promise<number> {
  const [ends, [committed]] = await Promise.all([admin.fetchTopicOffsets(topic), admin.fetchOffsets({ groupId, topics: [topic] })]);
  const offsets = new Map(committed?.partitions.map(({ partition, offset }) => [partition, Math.max(0, Number(offset))]));
  return ends.reduce((sum, { partition, high }) => sum + Number(high) - (offsets.get(partition) ?? 0), 0);
}

/** Keeps a long run from filling the cluster. */
export async function removeTopics(cluster: Cluster, system: System): Promise<void> {
  const prefix = system.env['MIRROR_TOPIC_PREFIX'] ?? '';
  await withAdmin(cluster, async (admin) => {
    const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(prefix));
    await admin.deleteTopics({ topics });
  });
}
