import { withAdmin } from '@notion-mirror/event-log/kafka-client';
import { registerSchemas, requiredCompatibility, schemaSubjects, type SchemaRegistration } from '@notion-mirror/event-log/register-schemas';
import { SchemaRegistryError } from '@notion-mirror/event-log/schema-registry';
import { createTopics } from '@notion-mirror/event-log/topics';
import { initMongo } from '@notion-mirror/mirror-store/init';
import type { Difference } from '@notion-mirror/mirror-store/layout';
import { connectionHint } from '@notion-mirror/service-kit/connection-hint';
import { serverMessage } from '../error-text.ts';
import type { JsonObject } from '@notion-mirror/domain/database-content';
import type { OperationContext } from '../operation-context.ts';
import { mongoAddress, urlAddress } from '../secrets.ts';
import { kafkaOf, mongoLayoutOf, stateLogsOf, topicSettings, withMongo } from '../servers.ts';
import { count } from '../text.ts';
import { waitFor } from '../wait-for.ts';

/** The result of init at one server. */
export interface InitStep {
  readonly server: string;
  readonly made: readonly string[];
  /** Existing objects that are correct. */
  readonly present: readonly string[];
  /** Objects that differ from the configuration and were left unchanged. */
  readonly differences: readonly string[];
  readonly json: JsonObject;
}

export interface InitResult {
  readonly key: 'kafka' | 'schemaRegistry' | 'mongodb';
  /** Null: it failed. */
  readonly step: InitStep | null;
  readonly failure: { readonly text: string; readonly remedy: string } | null;
}

/**
 * Creates the topics, schemas, collections, indexes and views that the services need, on all servers in parallel; waits up to `waitMs` for
 * each to come up. Safe to run again. Rejects only when `signal` aborts.
 */
export async function initServers(context: OperationContext, waitMs: number): Promise<readonly InitResult[]> {
  const { config, onProgress, redact, signal } = context;
  const servers = [
    { key: 'kafka', name: 'Kafka', address: config.kafka.brokers.join(','), run: initTopics },
    { key: 'schemaRegistry', name: 'the schema registry', address: urlAddress(config.schemaRegistry.url), run: initSchemas },
    { key: 'mongodb', name: 'MongoDB', address: mongoAddress(config.mongodbUri), run: initCollections },
  ] as const;
  const results = await Promise.all(
    servers.map(async ({ key, name, address, run }): Promise<InitResult> => {
      try {
        const step = await waitFor(async () => run(context), {
          waitMs,
          signal,
          isFatal,
          onWaiting: (error, waited) =>
            onProgress(`waiting for ${name} at ${address} (${Math.round(waited / 1000)} s): ${redact(serverMessage(error))}`),
        });
        return { key, step, failure: null };
      } catch (error) {
        const text = `${name} at ${address}: ${redact(serverMessage(error))}`;
        return { key, step: null, failure: { text, remedy: connectionHint(error) ?? 'mirror doctor' } };
      }
    }),
  );
  signal.throwIfAborted();
  return results;
}

async function initTopics(context: OperationContext): Promise<InitStep> {
  const kafka = kafkaOf(context);
  const { brokers } = await withAdmin(kafka, async (admin) => admin.describeCluster());
  const topics = await createTopics(kafka, context.config.topicPrefix, topicSettings(context, brokers.length), stateLogsOf(context));
  const described = topics.map(({ topic, partitions, replicationFactor, differences, created }) => ({
    topic,
    created,
    differences,
    text: `topic ${topic} (${count(partitions, 'partition')}, ${count(replicationFactor, 'replica')})`,
    json: { topic, created, partitions, replicationFactor, differences },
  }));
  return {
    server: 'Kafka',
    made: described.filter(({ created }) => created).map(({ text }) => text),
    present: described.filter(({ created, differences }) => !created && differences.length === 0).map(({ text }) => text),
    differences: described.flatMap(({ topic, differences }) => differences.map((difference) => `topic ${topic}: ${difference}`)),
    json: { topics: described.map(({ json }) => json) },
  };
}

async function initSchemas({ config, entities }: OperationContext): Promise<InitStep> {
  const { schemaRegistry, topicPrefix } = config;
  const steps: InitStep[] = [];
  for (const { subject, contract } of schemaSubjects(
    topicPrefix,
    entities.map(({ states }) => states),
  )) {
    steps.push(describeRegistration(await registerSchemas({ schemaRegistry, subject, contract })));
  }
  return {
    server: 'Schema registry',
    made: steps.flatMap(({ made }) => made),
    present: steps.flatMap(({ present }) => present),
    differences: steps.flatMap(({ differences }) => differences),
    json: { subjects: steps.map(({ json }) => json) },
  };
}

export function describeRegistration({ subject, previousCompatibility, versions }: SchemaRegistration): InitStep {
  const compatibility = `compatibility ${requiredCompatibility} of ${subject}`;
  const isLevelNew = previousCompatibility !== requiredCompatibility;
  const before = previousCompatibility === null ? '' : ` (was ${previousCompatibility})`;
  const text = ({ version, id }: SchemaRegistration['versions'][number]) => `schema ${subject} v${version} (id ${id})`;
  return {
    server: 'Schema registry',
    made: [...(isLevelNew ? [`${compatibility}${before}`] : []), ...versions.filter(({ created }) => created).map(text)],
    present: [...(isLevelNew ? [] : [compatibility]), ...versions.filter(({ created }) => !created).map(text)],
    differences: [],
    json: { subject, previousCompatibility, versions: versions.map((version) => ({ ...version })) },
  };
}

async function initCollections(context: OperationContext): Promise<InitStep> {
  return withMongo(context, async ({ db }) => describeRepairs(db.databaseName, await initMongo(db, mongoLayoutOf(context))));
}

export function describeRepairs(database: string, repaired: readonly Difference[]): InitStep {
  const made = repaired.map(describeRepair);
  return {
    server: 'MongoDB',
    made,
    present: made.length === 0 ? [`all collections, indexes and views of ${database}`] : [],
    differences: [],
    json: { database, made },
  };
}

function describeRepair(difference: Difference): string {
  switch (difference.kind) {
    case 'missing_collection':
      return `collection ${difference.name}`;
    case 'missing_index':
      return `index ${difference.collection}.${difference.name}`;
    case 'other_index':
      return `index ${difference.collection}.${difference.name}, which had other keys`;
    case 'other_tombstone_ttl':
      return `tombstones kept for ${difference.shouldBeSeconds} s (was ${difference.isSeconds ?? 'without end'})`;
    case 'missing_view':
      return `view ${difference.name}`;
    case 'other_view':
      return `view ${difference.name}, which showed something else`;
  }
}

/** Whether waiting cannot help. Any other error may come from a server that is still starting: even credentials or the replica set come late. */
function isFatal(error: unknown): boolean {
  return error instanceof SchemaRegistryError && (error.reason === 'refused' || error.reason === 'unusable');
}
