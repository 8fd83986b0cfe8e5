import type { LimitReason } from '@notion-mirror/domain/call-limits';
import { Counter, Histogram, type Registry } from '@notion-mirror/service-kit/metrics';

/** Metrics of the calls to Notion. No label names a tenant. */
export interface NotionMetrics {
  /** `status`: null when no complete answer came. */
  called(endpoint: string, status: number | null, durationMs: number): void;
  rateLimited(reason: LimitReason): void;
  denied(cause: string): void;
  /** A fetch of a database ended, successfully or not. */
  fetched(outcome: string): void;
}

export function createNotionMetrics(registry: Registry): NotionMetrics {
  const requests = new Counter({
    name: 'notion_mirror_notion_requests_total',
    help: 'Calls to the Notion API, by endpoint and class of the status (2xx, 4xx, …; none: no complete answer).',
    labelNames: ['endpoint', 'status'],
    registers: [registry],
  });
  const duration = new Histogram({
    name: 'notion_mirror_notion_request_duration_seconds',
    help: 'Duration of calls to the Notion API, up to the last byte of the answer.',
    labelNames: ['endpoint'],
    buckets: [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    registers: [registry],
  });
  const rateLimited = new Counter({
    name: 'notion_mirror_notion_rate_limited_total',
    help: '429 and 529 answers of the Notion API, by reason.',
    labelNames: ['reason'],
    registers: [registry],
  });
  const denied = new Counter({
    name: 'notion_mirror_notion_budget_denied_total',
    help: 'Fetches postponed before their first call because the budget had no room (window) or was paused.',
    labelNames: ['cause'],
    registers: [registry],
  });
  const fetches = new Counter({
    name: 'notion_mirror_database_fetches_total',
    help: 'Fetches of a whole database (a call for the container, one for each data source), by outcome; retry: postponed, or failed for now.',
    labelNames: ['outcome'],
    registers: [registry],
  });
  return {
    called(endpoint, status, durationMs) {
      requests.inc({ endpoint, status: status === null ? 'none' : `${Math.floor(status / 100)}xx` });
      duration.observe({ endpoint }, durationMs / 1000);
    },
    rateLimited(reason) {
      rateLimited.inc({ reason });
    },
    denied(cause) {
      denied.inc({ cause });
    },
    fetched(outcome) {
      fetches.inc({ outcome });
    },
  };
}
