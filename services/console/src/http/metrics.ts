import { Counter, Gauge, Histogram, type Registry } from '@notion-mirror/service-kit/metrics';

export interface ConsoleMetrics {
  readonly requests: Counter<'route' | 'status'>;
  readonly requestSeconds: Histogram<'route'>;
  readonly streams: Gauge;
}

export function createConsoleMetrics(registry: Registry): ConsoleMetrics {
  return {
    requests: new Counter({
      name: 'notion_mirror_console_requests_total',
      help: 'Requests to the operator console, by route and HTTP status.',
      labelNames: ['route', 'status'],
      registers: [registry],
    }),
    requestSeconds: new Histogram({
      name: 'notion_mirror_console_request_seconds',
      help: 'Duration of requests to the operator console, without streams.',
      labelNames: ['route'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
      registers: [registry],
    }),
    streams: new Gauge({
      name: 'notion_mirror_console_streams',
      help: 'Open streams of the operator console.',
      registers: [registry],
    }),
  };
}
