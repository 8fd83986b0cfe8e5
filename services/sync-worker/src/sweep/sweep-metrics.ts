import type { SweepReport } from '@notion-mirror/mirror-store/sweep-ledger';
import { Counter, Gauge, type Registry } from '@notion-mirror/service-kit/metrics';

export interface SweepFigures {
  /** Milliseconds since the last complete sweep of the longest-waiting tenant; null: unknown. */
  readonly oldestMs: number | null;
  /** Tenants whose last sweep stopped before its removals. */
  readonly stopped: number;
  /** Tenants whose last sweep could not compare everything. */
  readonly incomplete: number;
}

export interface SweepMetrics {
  ended(outcome: 'complete' | 'incomplete' | 'stopped' | 'failed' | 'broken_off'): void;
  appended(events: SweepReport['events']): void;
}

/** `figures` is called on each scrape. Tenants are no label: the metrics show the worst one, and counts. */
export function createSweepMetrics(registry: Registry, figures: () => SweepFigures): SweepMetrics {
  const registers = [registry];
  const sweeps = new Counter({
    registers,
    name: 'notion_mirror_sweeps_total',
    help: 'Comparisons of a tenant with Notion, by outcome. Incomplete: part of the tenant could not be compared. Broken off: the worker stopped, or the tenant moved to another one.',
    labelNames: ['outcome'],
  });
  const events = new Counter({
    registers,
    name: 'notion_mirror_sweep_events_total',
    help: 'Sync events appended by sweeps, by reason: each indicates webhooks that never arrived.',
    labelNames: ['reason'],
  });
  const oldest = new Gauge({
    registers,
    name: 'notion_mirror_sweep_oldest_seconds',
    help: "Time since the last complete sweep of the longest-waiting tenant, among this worker's tenants with an active connection.",
    collect() {
      const { oldestMs } = figures();
      if (oldestMs === null) oldest.reset();
      else oldest.set(oldestMs / 1000);
    },
  });
  const stopped = new Gauge({
    registers,
    name: 'notion_mirror_sweeps_stopped',
    help: 'Tenants whose sweep stopped before removing too much and needs an operator: `mirror reconcile status`.',
    collect() {
      stopped.set(figures().stopped);
    },
  });
  const incomplete = new Gauge({
    registers,
    name: 'notion_mirror_sweeps_incomplete',
    help: 'Tenants whose last sweep could not compare everything: see `mirror reconcile status`.',
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
