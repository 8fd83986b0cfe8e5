import { collectDefaultMetrics, Registry } from 'prom-client';

export { Counter, Gauge, Histogram, Registry } from 'prom-client';

/**
 * How often the delay of the event loop is looked at. What `nodejs_eventloop_lag_*` says includes this time (the dashboard takes it off). At
 * prom-client's 10 ms the looks alone would be a third of what an idle service costs.
 */
const loopDelayEveryMs = 100;

/** The registry of one process: Node's own metrics under `notion_mirror_`, and whatever the parts add. Every metric carries `service`. */
export function createMetrics(service: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry, prefix: 'notion_mirror_', eventLoopMonitoringPrecision: loopDelayEveryMs });
  return registry;
}
