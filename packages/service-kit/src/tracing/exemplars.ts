import { Registry as AnyRegistry, type Metric, type OpenMetricsContentType } from 'prom-client';
import { Histogram, type Registry } from '../metrics.ts';
import { isSampled, traceIdOf } from './trace-context.ts';

/**
 * A histogram, each bucket of which names the last sampled trace that fell into it, if `withExemplars`. The result notes a value. Exemplars are served in the
 * format OpenMetrics only, see `openMetricsText`.
 */
export function createHistogram(
  metrics: Registry,
  withExemplars: boolean,
  options: { readonly name: string; readonly help: string; readonly buckets: number[] },
): (value: number, trace: string | undefined) => void {
  if (!withExemplars) {
    const histogram = new Histogram({ ...options, registers: [metrics] });
    return (value) => histogram.observe(value);
  }
  // prom-client refuses exemplars in a registry of the other format, where it then leaves them out.
  const histogram = new Histogram({ ...options, enableExemplars: true, registers: [openMetricsRegistry()] });
  metrics.registerMetric(histogram);
  return (value, trace) =>
    histogram.observe({ labels: {}, value, exemplarLabels: trace !== undefined && isSampled(trace) ? { trace_id: traceIdOf(trace) } : {} });
}

/** All metrics in the format OpenMetrics. `service`: the label that each of them has. */
export async function openMetricsText(metrics: Registry, service: string): Promise<string> {
  const view = openMetricsRegistry();
  view.setDefaultLabels({ service });
  // Not the metrics themselves: in this format prom-client renames counters for good.
  for (const metric of metrics.getMetricsAsArray()) view.registerMetric(Object.create(metric) as Metric);
  return view.metrics();
}

function openMetricsRegistry(): AnyRegistry<OpenMetricsContentType> {
  const registry = new AnyRegistry<OpenMetricsContentType>();
  registry.setContentType(AnyRegistry.OPENMETRICS_CONTENT_TYPE);
  return registry;
}
