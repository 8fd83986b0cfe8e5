import { createKafka } from '@notion-mirror/event-log/kafka-client';
import type { EventCodec } from '@notion-mirror/event-log/event-codec';
import { createPublisher, type Publisher } from '@notion-mirror/event-log/publisher';
import { stateLogOf, type StateLog } from '@notion-mirror/event-log/state-contract';
import { topicsFor, type TopicSettings } from '@notion-mirror/event-log/topics';
import { openMongo, type Mongo } from '@notion-mirror/mirror-store/client';
import type { MongoLayout } from '@notion-mirror/mirror-store/layout';
import { Registry } from '@notion-mirror/service-kit/metrics';
import { connectionHint } from '@notion-mirror/service-kit/connection-hint';
import type { OperationContext } from './operation-context.ts';
import { OperatorError } from './operator-error.ts';
import { serverMessage } from './error-text.ts';
import { mongoAddress } from './secrets.ts';

export type Kafka = ReturnType<typeof createKafka>;
export type Admin = ReturnType<Kafka['admin']>;

/** A client that connects on first use. */
export function kafkaOf({ config, clientName, logger }: OperationContext): Kafka {
  return createKafka({ ...config.kafka, clientId: clientName, logger });
}

/** Appends to the log. The caller must stop it. */
export async function openPublisher(context: OperationContext): Promise<Publisher> {
  return createPublisher({ kafka: kafkaOf(context), logger: context.logger, metrics: new Registry(), deadlineMs: 10_000 });
}

/** Reads and writes events. Fails as `createEventCodec` does. */
export async function eventCodecOf({ config }: OperationContext): Promise<EventCodec> {
  // The registry's client takes 6 MB, and a quiet console decodes nothing.
  const { createEventCodec } = await import('@notion-mirror/event-log/event-codec');
  return createEventCodec({ schemaRegistry: config.schemaRegistry, subject: topicsFor(config.topicPrefix).eventsSubject });
}

/** Turns a KafkaJS error into an OperatorError. */
export async function askKafka<T>({ config, redact, signal }: OperationContext, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (signal.aborted || !(error instanceof Error) || !isOfKafka(error)) throw error;
    throw new OperatorError('kafka_unavailable', `Kafka at ${config.kafka.brokers.join(',')}: ${redact(serverMessage(error))}`, {
      remedy: connectionHint(error) ?? 'mirror doctor',
      cause: error,
    });
  }
}

/** Of a broker that accepts connections and does not answer, KafkaJS says this with a plain error. */
function isOfKafka({ name, message }: Error): boolean {
  return name.startsWith('KafkaJS') || message === 'Broker not connected';
}

/** Connects, uses, and always closes. */
export async function withMongo<T>({ config, clientName }: OperationContext, use: (mongo: Mongo) => Promise<T>): Promise<T> {
  const mongo = await openMongo(config.mongodbUri, { appName: clientName });
  try {
    return await use(mongo);
  } finally {
    await mongo.close();
  }
}

/** The same for an operation that needs only MongoDB: turns its errors into an OperatorError. */
export async function useMongo<T>(context: OperationContext, use: (mongo: Mongo) => Promise<T>): Promise<T> {
  try {
    return await withMongo(context, use);
  } catch (error) {
    if (error instanceof OperatorError || context.signal.aborted || !isOfStore(error)) throw error;
    const message = `MongoDB at ${mongoAddress(context.config.mongodbUri)}: ${context.redact(serverMessage(error))}`;
    throw new OperatorError('mongodb_unavailable', message, {
      remedy: connectionHint(error) ?? 'mirror doctor shows what is up; MIRROR_MONGODB_URI names MongoDB',
      cause: error,
    });
  }
}

function isOfStore(error: unknown): boolean {
  return error instanceof Error && /^(Store|Mongo)/.test(error.name);
}

/** The state log of each kind of entity. */
export function stateLogsOf({ config, entities }: OperationContext): StateLog[] {
  return entities.map(({ states }) => stateLogOf(config.topicPrefix, states));
}

/** The intended layout of MongoDB. */
export function mongoLayoutOf({ config, entities }: OperationContext): MongoLayout {
  const { tombstoneTtlMs, schemaHistoryMs } = config;
  return { storages: entities.map(({ storage }) => storage), tombstoneTtlMs, schemaHistoryMs };
}

/** The intended settings of the topics. `auto` means 3 replicas, or the number of brokers if there are fewer. */
export function topicSettings({ config }: OperationContext, brokers: number): TopicSettings {
  return {
    partitions: config.partitions,
    replicationFactor: config.replicationFactor ?? Math.min(3, Math.max(1, brokers)),
    retentionMs: config.retentionMs,
  };
}
