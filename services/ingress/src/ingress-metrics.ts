import { kindOfEventType } from '@notion-mirror/domain/database-event';
import { Counter, Gauge, Histogram, type Registry } from '@notion-mirror/service-kit/metrics';
import type { Answer } from './answers.ts';

export interface IngressMetrics {
  readonly requests: Counter<'route' | 'answer'>;
  readonly events: Counter<'type' | 'outcome'>;
  readonly handshakes: Counter<'route' | 'outcome'>;
  readonly connectionNotices: Counter<'operation' | 'outcome'>;
  readonly appendSeconds: Histogram<'to'>;
  readonly requestSeconds: Histogram<'route'>;
  readonly spooled: Counter;
  readonly drained: Counter;
}

export function createIngressMetrics(registry: Registry): IngressMetrics {
  const registers = [registry];
  return {
    requests: new Counter({
      registers,
      name: 'notion_mirror_ingress_requests_total',
      help: 'Requests on the public port, by route and answer (`aborted`: the sender disconnected first).',
      labelNames: ['route', 'answer'],
    }),
    events: new Counter({
      registers,
      name: 'notion_mirror_ingress_events_total',
      help: 'Signed events, by type (types that concern neither databases nor pages are `other`) and outcome; an event for two tenants counts twice.',
      labelNames: ['type', 'outcome'],
    }),
    handshakes: new Counter({
      registers,
      name: 'notion_mirror_ingress_handshakes_total',
      help: 'Handshakes of Notion webhook subscriptions, by route and outcome.',
      labelNames: ['route', 'outcome'],
    }),
    connectionNotices: new Counter({
      registers,
      name: 'notion_mirror_ingress_connection_notices_total',
      help: "Nango's signed notices about a connection, by operation and outcome: noted for the sync-worker, ignored, or unavailable (503).",
      labelNames: ['operation', 'outcome'],
    }),
    appendSeconds: new Histogram({
      registers,
      name: 'notion_mirror_ingress_append_seconds',
      help: 'Time until the records of a webhook were durable, by destination (`nowhere`: until the attempt was given up).',
      labelNames: ['to'],
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2],
    }),
    requestSeconds: new Histogram({
      registers,
      name: 'notion_mirror_ingress_request_seconds',
      help: 'Time from the head of a request to its response.',
      labelNames: ['route'],
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15],
    }),
    spooled: new Counter({
      registers,
      name: 'notion_mirror_ingress_spooled_records_total',
      help: 'Records stored in MongoDB because Kafka was unavailable.',
    }),
    drained: new Counter({
      registers,
      name: 'notion_mirror_ingress_drained_records_total',
      help: 'Records moved from the spool to the log.',
    }),
  };
}

/** Bounds the label's values, since senders choose the type. */
export function eventTypeLabel(type: string): string {
  return kindOfEventType(type) === null ? 'other' : type;
}

export function answerLabel(answer: Answer | null): string {
  if (answer === null) return 'aborted';
  return answer.status === 'refused' ? answer.reason : answer.status;
}

/** Gauges that are read on each scrape. */
export function registerGauges(registry: Registry, figures: { spoolWaiting: () => number | null; bodyBytes: () => number }): void {
  const gauge = (name: string, help: string, value: () => number | null): Gauge =>
    new Gauge({
      registers: [registry],
      name: `notion_mirror_ingress_${name}`,
      help,
      collect() {
        const current = value();
        if (current === null) this.reset();
        else this.set(current);
      },
    });
  gauge('spool_waiting_records', 'Records in the spool, of all instances; missing while MongoDB is unavailable.', figures.spoolWaiting);
  gauge('body_bytes', 'Request bodies in memory.', figures.bodyBytes);
}
