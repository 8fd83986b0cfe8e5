import { untilAvailable } from './async/backoff.ts';
import type { ServiceScope } from './lifecycle.ts';
import type { Logger } from './logger.ts';
import type { Registry } from './metrics.ts';
import { openMetricsText } from './tracing/exemplars.ts';
import type { Tracing } from './tracing/tracing.ts';
import { startOpsServer, type HealthReport } from './ops-server.ts';

/** A service's operations port, and its start in the right order. */
export interface Operations {
  readonly port: number;
  /** Runs a start step until it succeeds. Meanwhile `/livez` answers 200, and `/readyz` answers 503 and names what the service waits for. */
  readonly available: <T>(what: string, step: () => Promise<T>) => Promise<T>;
  /** From now on the service's own health is reported. */
  readonly started: (health: { readonly live?: () => HealthReport; readonly ready: () => HealthReport }) => void;
}

const alive: HealthReport = { ok: true, detail: {} };
const stopping: HealthReport = { ok: false, detail: { state: 'stopping' } };

/** Opens the operations port at once, so that a service that waits for its dependencies can say so. `isFatal` marks errors that waiting does not fix. */
export async function startOperations(options: {
  readonly service: string;
  readonly ops: { readonly host: string; readonly port: number };
  readonly metrics: Registry;
  readonly tracing: Pick<Tracing, 'isOn'>;
  readonly logger: Logger;
  readonly scope: ServiceScope;
  readonly isFatal?: (error: unknown) => boolean;
}): Promise<Operations> {
  const { service, logger, metrics, tracing, scope, isFatal = () => false } = options;
  let waitingFor = '';
  let live: (() => HealthReport) | null = null;
  let ready = (): HealthReport => ({ ok: false, detail: { state: 'starting', waitingFor } });
  const server = await startOpsServer({
    ...options.ops,
    metrics,
    openMetrics: tracing.isOn ? () => openMetricsText(metrics, service) : null,
    live: () => live?.() ?? alive,
    ready: () => (scope.signal.aborted ? stopping : ready()),
  });
  scope.onStop('operations port', () => server.close());
  logger.info({ port: server.port }, 'operations port listens');
  return {
    port: server.port,
    available(what, step) {
      waitingFor = what;
      return untilAvailable(what, step, { logger, signal: scope.signal, isFatal });
    },
    started(health) {
      live = health.live ?? null;
      ready = health.ready;
    },
  };
}
