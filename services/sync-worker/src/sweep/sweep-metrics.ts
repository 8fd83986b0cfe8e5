import type { SweepReport } from '@notion-mirror/mirror-store/sweep-ledger';
import { Counter, Gauge, type Registry } from '@notion-mirror/service-kit/metrics';

export interface SweepFigures {
  /** Milliseconds since the last complete sweep of the tenant that waits longest; null while that is not known. */
  readonly oldestMs: number | null;
  /** Tenants whose last sweep has stopped before its removals. */
  readonly stopped: number;
  /** Tenants whose last sweep could not compare everything. */
  readonly incomplete: number;
}

export interface SweepMetrics {
  ended(outcome: 'complete' | 'incomplete' | 'stopped' | 'failed' | 'broken_off'): void;
  appended(events: SweepReport['events']): void;
}

/** `figures` is asked when somebody asks for the metrics. No tenant is a label: the worst one, and how many. */
export function createSweepMetrics(registry: Registry, figures: () => SweepFigures): SweepMetrics {
  const registers = [registry];
  const sweeps = new Counter({
    registers,
    name: 'notion_mirror_sweeps_total',
    help: 'Comparisons of a tenant with Notion, by how they ended. Incomplete: something could not be compared, all else was. Broken off: the worker stopped, or another one has the tenant now.',
    labelNames: ['outcome'],
  });
  const events = new Counter({
    registers,
    name: 'notion_mirror_sweep_events_total',
    help: 'Sync events that sweeps appended, by what they found: each stands for webhooks that never came.',
    labelNames: ['reason'],
  });
  const oldest = new Gauge({
    registers,
    name: 'notion_mirror_sweep_oldest_seconds',
    help: "Since the last complete sweep, of the tenant that waits longest; over this worker's tenants with an active connection.",
    collect() {
      const { oldestMs } = figures();
      if (oldestMs === null) oldest.reset();
      else oldest.set(oldestMs / 1000);
    },
  });
  const stopped = new Gauge({
    registers,
    name: 'notion_mirror_sweeps_stopped',
    help: 'Tenants whose sweep would remove too much and waits for an operator: `mirror reconcile status`.',
    collect() {
      stopped.set(figures().stopped);
    },
  });
  const incomplete = new Gauge({
    registers,
    name: 'notion_mirror_sweeps_incomplete',
    help: 'Tenants whose last sweep could not compare everything: `mirror reconcile status` says what, and why.',
    collect() {
      incomplete.set(figures().incomplete);
    },
  });
  return {
    ended: (outcome) => sweeps.inc({ outcome }),
    appended: (byReason) => {
      for (const [reason, number] of Object.entries(byReason)) events.inc({ reason }, number);
    },
  };
}
