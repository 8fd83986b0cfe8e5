import type { Registry } from '@notion-mirror/service-kit/metrics';
import { sharedCounter, sharedGauge, sharedHistogram } from '@notion-mirror/service-kit/shared-metrics';

export function publisherMetrics(registry: Registry) {
  return {
    records: sharedCounter(registry, 'notion_mirror_published_records_total', 'Records handed to the publisher, by what became of them.', [
      'result',
    ]),
    waiting: sharedGauge(registry, 'notion_mirror_publish_waiting_records', 'Records that wait for their acknowledgement.', []),
    healthy: sharedGauge(registry, 'notion_mirror_publisher_healthy', '1 while the last thing the publisher tried worked.', []),
    seconds: sharedHistogram(
      registry,
      'notion_mirror_publish_seconds',
      'From the call to the acknowledgement of all in-sync replicas.',
      [],
      [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3],
    ),
    batchRecords: sharedHistogram(
      registry,
      'notion_mirror_publish_batch_records',
      'Records in one produce request.',
      [],
      [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000],
    ),
  };
}
