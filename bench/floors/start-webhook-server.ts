import type { Customer } from '@notion-mirror/demo/customers';
import type { BenchSystem } from '../bench-system.ts';
import { startServer } from '../children.ts';

/** Where webhooks are kept before they are answered. */
export interface BareLog {
  /** Separated by commas. */
  readonly brokers: string;
  /** Made by the server. */
  readonly topic: string;
}

/** A floor of the ingress for the same customers, on koa. `log`: null keeps nothing. */
export async function startWebhookServer(
  { system, watchdog }: BenchSystem,
  onEnd: (end: () => Promise<void>) => void,
  options: {
    readonly customers: readonly Customer[];
    readonly log: BareLog | null;
    /** Whether it has a log line, metrics and the record's headers. */
    readonly reports: boolean;
  },
): Promise<{ readonly pid: number; readonly url: string }> {
  const { customers, log, reports } = options;
  const server = await startServer(watchdog, 'floors/webhook-server.ts', {
    BENCH_SIGNING_KEY: system.nango.environment.signingKey,
    BENCH_TENANTS: JSON.stringify(Object.fromEntries(customers.map((one) => [one.connectionId, one.workspaceId]))),
    BENCH_REPORTS: String(reports),
    ...(log !== null && { BENCH_BROKERS: log.brokers, BENCH_TOPIC: log.topic }),
  });
  onEnd(() => server.stop());
  return { pid: server.pid, url: `http://127.0.0.1:${server.port}/` };
}
