import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from './metrics.ts';

export interface HealthReport {
  readonly ok: boolean;
  /** For operators, e.g. `{ kafka: "connected" }`. No secrets: it is served to anyone who reaches the port. */
  readonly detail: Readonly<Record<string, unknown>>;
}

const openMetricsType = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

export interface OpsServer {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * `/livez`, `/readyz` (200 or 503, JSON) and `/metrics` (Prometheus text, or OpenMetrics for who accepts that and if there are exemplars to show) on a port
 * of their own.
 * Liveness checks no dependency: it is polled often, and a restart does not fix another server's outage.
 */
export async function startOpsServer(options: {
  host: string;
  port: number;
  metrics: Registry;
  /** Null: it is not served, since it would say the same. */
  openMetrics: (() => Promise<string>) | null;
  live: () => HealthReport;
  ready: () => HealthReport;
}): Promise<OpsServer> {
  const server = createServer((request, response) => {
    const path = request.url?.split('?', 1)[0];
    const json = (report: HealthReport) => {
      response.writeHead(report.ok ? 200 : 503, { 'content-type': 'application/json' });
      response.end(`${JSON.stringify({ status: report.ok ? 'ok' : 'unavailable', ...report.detail })}\n`);
    };
    if (request.method !== 'GET' && request.method !== 'HEAD') response.writeHead(405, { allow: 'GET, HEAD' }).end();
    else if (path === '/livez') json(options.live());
    else if (path === '/readyz') json(options.ready());
    else if (path === '/metrics') {
      const accepts = request.headers.accept?.includes('application/openmetrics-text') === true;
      const openMetrics = accepts ? options.openMetrics : null;
      const contentType = openMetrics === null ? options.metrics.contentType : openMetricsType;
      (openMetrics ?? (() => options.metrics.metrics()))().then(
        (text) => response.writeHead(200, { 'content-type': contentType, vary: 'accept' }).end(text),
        () => response.writeHead(500).end(),
      );
    } else response.writeHead(404).end();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
