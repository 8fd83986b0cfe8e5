import { collectDefaultMetrics, Registry } from 'prom-client';

export { Counter, Gauge, Histogram, Registry } from 'prom-client';

/**
 * How often the delay of the event loop is sampled. `nodejs_eventloop_lag_*` includes this time (the dashboard subtracts it). At prom-client's
 * default of 10 ms, sampling alone would be a third of an idle service's CPU time.
 */
const loopDelayEveryMs = 100;

/** The registry of one process: Node's own metrics under `notion_mirror_`, and those that the parts add. Every metric carries `service`. */
export function createMetrics(service: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry, prefix: 'notion_mirror_', eventLoopMonitoringPrecision: loopDelayEveryMs });
  return registry;
}
