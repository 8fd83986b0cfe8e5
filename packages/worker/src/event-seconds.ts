import { Histogram, type Registry } from '@notion-mirror/service-kit/metrics';

/** A histogram of the time from the receipt of an event to its outcome. The result notes one event's. */
export function createEventSeconds(metrics: Registry, name: string, help: string): (ageMs: number) => void {
  const seconds = new Histogram({
    name,
    help,
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800],
    registers: [metrics],
  });
  // The clocks of the ingress and the worker may differ.
  return (ageMs) => seconds.observe(Math.max(0, ageMs) / 1000);
}
