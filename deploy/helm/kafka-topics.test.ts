import { databaseStates } from '@notion-mirror/event-log/entities/database-state';
import { rowStates } from '@notion-mirror/event-log/entities/row-state';
import { stateLogOf } from '@notion-mirror/event-log/state-contract';
import { topicLayouts } from '@notion-mirror/event-log/topics';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { fileOf, withValues, type KubernetesObject } from './testing/chart.ts';
import { helm, matrix, ofKind, render, renderWith, template } from './testing/rendered.ts';

const dayMs = 86_400_000;

// Strimzi's own schema is in none of the registries that we use: this is the part of it that matters, strictly.
const kafkaTopic = z.strictObject({
  topicName: z.string().regex(/^[A-Za-z0-9._-]{1,249}$/),
  partitions: z.int().min(1),
  replicas: z.int().min(1).max(32_767),
  config: z.record(z.string(), z.string()),
});

function layoutsOf(topics: readonly KubernetesObject[]) {
  return topics.map(({ spec }) => {
    const { topicName, partitions, replicas, config } = kafkaTopic.parse(spec);
    return { topic: topicName, partitions, replicationFactor: replicas, config };
  });
}

describe.skipIf('missing' in helm)('topics for Strimzi', () => {
  test('are off by default', () => {
    expect(matrix.filter((values) => ofKind(render(values), 'KafkaTopic').length > 0)).toEqual(['strimzi']);
  });

  test.each([
    ['as they are by default', {}, '', { partitions: 96, replicationFactor: 3, days: 30 }],
    [
      'with other settings',
      {
        MIRROR_TOPIC_PREFIX: 'Prod_1.',
        MIRROR_KAFKA_PARTITIONS: 1000,
        MIRROR_KAFKA_REPLICATION_FACTOR: 1,
        MIRROR_KAFKA_RETENTION_DAYS: 365,
      },
      'Prod_1.',
      { partitions: 1000, replicationFactor: 1, days: 365 },
    ],
    ['with half a day', { MIRROR_KAFKA_RETENTION_DAYS: 0.5 }, '', { partitions: 96, replicationFactor: 3, days: 0.5 }],
  ])('are those that `mirror init` creates, %s', (_, config, prefix, { partitions, replicationFactor, days }) => {
    const topics = { strimzi: { topics: { enabled: true, cluster: 'main' } } };
    const rendered = renderWith({ ...topics, config: { MIRROR_KAFKA_REPLICATION_FACTOR: 3, ...config } });
    const stateLogs = [databaseStates, rowStates].map((states) => stateLogOf(prefix, states));
    const settings = { partitions, replicationFactor, retentionMs: days * dayMs };
    expect(layoutsOf(ofKind(rendered, 'KafkaTopic'))).toEqual(topicLayouts(prefix, settings, stateLogs));
  });

  test('of states keep their partitions when the others grow', () => {
    const topics = { enabled: true, cluster: 'main', statePartitions: 24 };
    const rendered = renderWith({ strimzi: { topics }, config: { MIRROR_KAFKA_REPLICATION_FACTOR: 3, MIRROR_KAFKA_PARTITIONS: 200 } });
    const partitions = layoutsOf(ofKind(rendered, 'KafkaTopic')).map((layout) => [layout.topic, layout.partitions]);
    expect(partitions).toEqual([
      ['notion.database-events', 200],
      ['notion.database-events.dead-letters', 1],
      ['notion.database-states', 24],
      ['notion.row-states', 24],
    ]);
  });

  test('belong to the cluster that is named, and stay when the release goes', () => {
    const topics = ofKind(render('strimzi'), 'KafkaTopic');
    expect(topics).toHaveLength(4);
    for (const { apiVersion, metadata } of topics) {
      expect(apiVersion).toBe('kafka.strimzi.io/v1');
      expect(metadata.name).toMatch(/^mirror-notion-mirror-[a-z-]+(\.dead-letters)?$/);
      expect(metadata).toMatchObject({
        namespace: 'notion',
        labels: { 'strimzi.io/cluster': 'mirror' },
        annotations: { 'helm.sh/resource-policy': 'keep' },
      });
    }
    const elsewhere = renderWith({
      config: { MIRROR_KAFKA_REPLICATION_FACTOR: 2 },
      strimzi: { topics: { enabled: true, cluster: 'main', namespace: 'kafka', apiVersion: 'kafka.strimzi.io/v1beta2' } },
    });
    for (const topic of ofKind(elsewhere, 'KafkaTopic')) {
      expect(topic).toMatchObject({ apiVersion: 'kafka.strimzi.io/v1beta2', metadata: { namespace: 'kafka' } });
    }
  });

  test.each([
    ['the cluster', { topics: { enabled: true } }, 3, 'strimzi.topics.cluster is needed'],
    ['the number of replicas', { topics: { enabled: true, cluster: 'main' } }, 'auto', 'needs config.MIRROR_KAFKA_REPLICATION_FACTOR'],
  ])('need %s', (_, strimzi, factor, message) => {
    const values = { strimzi, config: { MIRROR_KAFKA_REPLICATION_FACTOR: factor } };
    expect(withValues(values, (file) => template([fileOf('minimal'), file])).stderr).toContain(message);
  });
});
