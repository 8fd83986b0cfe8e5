import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import kafkajs, { type Admin, type Kafka } from 'kafkajs';
import { withAdmin } from './kafka-client.ts';
import type { StateLog } from './state-contract.ts';

export interface Topics {
  /** The log: Avro `DatabaseEvent` records, key = workspaceId. */
  readonly events: string;
  /** Records that could not be handled, as they were, with `dlq.*` headers; and webhooks that could not be read. */
  readonly deadLetters: string;
  /** The schema registry's subject of the values of the log. */
  readonly eventsSubject: string;
}

/** The names of the log in Kafka and the registry; those of the state logs: `stateLogOf`. `prefix` is put in front as it is. */
export function topicsFor(prefix: string): Topics {
  const events = `${prefix}notion.database-events`;
  return { events, deadLetters: `${events}.dead-letters`, eventsSubject: `${events}-value` };
}

/** The consumers of the event log. */
export const workerNames = ['sync-worker', 'delete-worker'] as const;
export type WorkerName = (typeof workerNames)[number];

/** The consumer group of a worker. One group reads one topic for one purpose and is never shared. */
export function groupIdFor(prefix: string, worker: WorkerName): string {
  return `${prefix}notion-mirror.${worker}`;
}

/**
 * A group for one read by an operator's command, which commits nothing and removes it afterwards. Each has its own, so that two reads at the
 * same time do not share the partitions.
 */
export function readerGroupId(prefix: string): string {
  return `${prefix}notion-mirror.operator-${randomUUID()}`;
}

export interface TopicSettings {
  /** Of each log: how many workers of one group can share it. Can grow later, but then a tenant's events change partition once. */
  readonly partitions: number;
  readonly replicationFactor: number;
  /** Of the log: how far back it can be read again. */
  readonly retentionMs: number;
}

export const defaultTopicSettings: TopicSettings = { partitions: 96, replicationFactor: 1, retentionMs: 30 * 24 * 60 * 60 * 1000 };

/** The intended configuration of a topic, in Kafka's own names and spelling. */
interface TopicLayout {
  readonly topic: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly config: Readonly<Record<string, string>>;
}

export interface TopicDescription {
  readonly topic: string;
  readonly exists: boolean;
  readonly partitions: number;
  readonly replicationFactor: number;
  /** Partitions without a leader, which cannot be written to. */
  readonly partitionsWithoutLeader: readonly number[];
  readonly underReplicatedPartitions: readonly number[];
  /** One sentence for each setting that differs from `settings`. Empty when none does, and when the topic does not exist. */
  readonly differences: readonly string[];
}

const megabyte = 1024 * 1024;
const sevenDays = 7 * 24 * 60 * 60 * 1000;
/** How long a null stays on the state log at least, milliseconds: a reader that was down for longer may miss removals. */
export const removalsKeptMs = sevenDays;
const ninetyDays = 90 * 24 * 60 * 60 * 1000;

/** How long a dead letter waits for a person. */
export function deadLetterRetentionMs({ retentionMs }: Pick<TopicSettings, 'retentionMs'>): number {
  return Math.max(retentionMs, ninetyDays);
}

/** The topics as `createTopics` creates them. */
export function topicLayouts(prefix: string, settings: TopicSettings, stateLogs: readonly Pick<StateLog, 'topic'>[]): TopicLayout[] {
  const topics = topicsFor(prefix);
  const { partitions, replicationFactor, retentionMs } = settings;
  const common = {
    'cleanup.policy': 'delete',
    'min.insync.replicas': String(Math.min(2, replicationFactor)),
    // KafkaJS reads gzip only; one batch that the broker recompressed otherwise would stop every consumer.
    'compression.type': 'producer',
  };
  return [
    {
      topic: topics.events,
      partitions,
      replicationFactor,
      config: { ...common, 'retention.ms': String(retentionMs), 'max.message.bytes': String(megabyte) },
    },
    {
      topic: topics.deadLetters,
      partitions: 1,
      replicationFactor,
      // A dead letter holds a whole webhook body (up to 1 MiB) and waits for a person.
      config: { ...common, 'retention.ms': String(deadLetterRetentionMs(settings)), 'max.message.bytes': String(2 * megabyte) },
    },
    ...stateLogs.map(({ topic }) => ({
      topic,
      partitions,
      replicationFactor,
      // A document has up to 16 MiB. A null stays a week before compaction removes it, so that a reader that was down sees it. Replaced states
      // are compacted within a week, also where little is written: erased content must not stay for ever.
      config: {
        ...common,
        'cleanup.policy': 'compact',
        'delete.retention.ms': String(removalsKeptMs),
        'max.compaction.lag.ms': String(sevenDays),
        'max.message.bytes': String(20 * megabyte),
      },
    })),
  ];
}

/** Creates the topics that do not exist. Never changes one that does: `differences` names the settings that are not as in `settings`. */
export async function createTopics(
  kafka: Kafka,
  prefix: string,
  settings: TopicSettings,
  stateLogs: readonly StateLog[],
): Promise<(TopicDescription & { readonly created: boolean })[]> {
  return withAdmin(kafka, async (admin) => {
    const existing = new Set(await admin.listTopics());
    const created = new Set<string>();
    for (const { topic, partitions, replicationFactor, config } of topicLayouts(prefix, settings, stateLogs)) {
      if (existing.has(topic)) continue;
      const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
      // False: another process was faster.
      const isNew = await admin.createTopics({
        // KafkaJS gives this wait up when a broker does not know the topic yet; ours is below.
        waitForLeaders: false,
        topics: [{ topic, numPartitions: partitions, replicationFactor, configEntries }],
      });
      if (isNew) created.add(topic);
    }
    const descriptions = await describeCreated(admin, topicLayouts(prefix, settings, stateLogs));
    return descriptions.map((description) => ({ ...description, created: created.has(description.topic) }));
  });
}

/** A broker may not know yet a topic that another one has just created: asks until it does. */
async function describeCreated(admin: Admin, wanted: readonly TopicLayout[]): Promise<TopicDescription[]> {
  for (let attempt = 1; ; attempt += 1) {
    const isLast = attempt === 50;
    const descriptions = await describe(admin, wanted).catch((error: unknown) => {
      if (isLast) throw error;
      return [];
    });
    const isKnown =
      descriptions.length > 0 &&
      descriptions.every(
        ({ exists, partitions, partitionsWithoutLeader }) => exists && partitions > 0 && partitionsWithoutLeader.length === 0,
      );
    if (isKnown || isLast) return descriptions;
    await delay(100);
  }
}

/** Rejects when a topic does not exist (`mirror init` has not run), or with KafkaJS's error when no broker answers. */
export async function requireTopics(kafka: Kafka, prefix: string): Promise<void> {
  const { events, deadLetters } = topicsFor(prefix);
  const existing = new Set(await withAdmin(kafka, (admin) => admin.listTopics()));
  const missing = [events, deadLetters].filter((topic) => !existing.has(topic));
  // A broker with ACLs does not list topics that the user may not see.
  if (missing.length > 0)
    throw new Error(`no topic ${missing.join(', ')}: run \`mirror init\` (or give this Kafka user the ACLs of docs/security.md)`);
}

/** The topics as they are, compared with their intended configuration. */
export async function describeTopics(
  kafka: Kafka,
  prefix: string,
  settings: TopicSettings,
  stateLogs: readonly StateLog[],
): Promise<TopicDescription[]> {
  return withAdmin(kafka, async (admin) => describe(admin, topicLayouts(prefix, settings, stateLogs)));
}

/** How long each existing topic keeps its records, in milliseconds, according to Kafka; null: for ever. */
export async function retentionOf(kafka: Kafka, topics: readonly string[]): Promise<ReadonlyMap<string, number | null>> {
  return withAdmin(kafka, async (admin) => {
    const existing = new Set(await admin.listTopics());
    const found = new Map<string, number | null>();
    for (const topic of topics.filter((name) => existing.has(name))) {
      const config = await configOf(admin, { topic, config: { 'cleanup.policy': '', 'retention.ms': '', 'max.compaction.lag.ms': '' } });
      const setting = config.get('cleanup.policy') === 'compact' ? 'max.compaction.lag.ms' : 'retention.ms';
      const ms = Number(config.get(setting) ?? -1);
      found.set(topic, ms < 0 || ms > Number.MAX_SAFE_INTEGER ? null : ms);
    }
    return found;
  });
}

async function describe(admin: Admin, wanted: readonly TopicLayout[]): Promise<TopicDescription[]> {
  const existing = new Set(await admin.listTopics());
  return Promise.all(
    wanted.map(async (layout): Promise<TopicDescription> => {
      const { topic } = layout;
      const absent = {
        topic,
        exists: false,
        partitions: 0,
        replicationFactor: 0,
        partitionsWithoutLeader: [],
        underReplicatedPartitions: [],
        differences: [],
      };
      if (!existing.has(topic)) return absent;
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      const partitions = topics[0]?.partitions ?? [];
      const numbers = (those: typeof partitions) => those.map(({ partitionId }) => partitionId).toSorted((a, b) => a - b);
      const found = { partitions: partitions.length, replicationFactor: Math.min(...partitions.map(({ replicas }) => replicas.length)) };
      return {
        topic,
        exists: true,
        ...found,
        partitionsWithoutLeader: numbers(partitions.filter(({ leader }) => leader < 0)),
        underReplicatedPartitions: numbers(partitions.filter(({ isr, replicas }) => isr.length < replicas.length)),
        differences: differencesOf(layout, found, await configOf(admin, layout)),
      };
    }),
  );
}

function differencesOf(
  layout: TopicLayout,
  found: Pick<TopicDescription, 'partitions' | 'replicationFactor'>,
  config: ReadonlyMap<string, string>,
): string[] {
  const wanted: [string, string, string | undefined][] = [
    ['partitions', String(layout.partitions), String(found.partitions)],
    ['replication factor', String(layout.replicationFactor), String(found.replicationFactor)],
    ...Object.entries(layout.config).map(([name, value]): [string, string, string | undefined] => [name, value, config.get(name)]),
  ];
  return wanted.flatMap(([name, value, actual]) =>
    actual === undefined || actual === value ? [] : [`${name} is ${actual}, not ${value}`],
  );
}

async function configOf(admin: Admin, { topic, config }: Pick<TopicLayout, 'topic' | 'config'>): Promise<Map<string, string>> {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configNames: Object.keys(config) }],
  });
  return new Map(resources[0]?.configEntries.map(({ configName, configValue }) => [configName, configValue]) ?? []);
}
