import type { Registry } from '@notion-mirror/service-kit/metrics';
import { createHistogram } from '@notion-mirror/service-kit/tracing/exemplars';
import type { Tracing } from '@notion-mirror/service-kit/tracing/tracing';

/** A histogram of the time from the receipt of an event to its outcome. The result notes one event's. */
export function createEventSeconds(
  { metrics, tracing }: { readonly metrics: Registry; readonly tracing: Pick<Tracing, 'isOn'> },
  name: string,
  help: string,
): (ageMs: number, trace: string | undefined) => void {
  const seconds = createHistogram(metrics, tracing.isOn, {
    name,
    help,
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800],
  });
  // The clocks of the ingress and the worker may differ.
  return (ageMs, trace) => seconds(Math.max(0, ageMs) / 1000, trace);
}
