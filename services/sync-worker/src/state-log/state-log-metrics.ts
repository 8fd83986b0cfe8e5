import { Counter, Gauge, type Registry } from '@notion-mirror/service-kit/metrics';

/** The measurements of one publisher on its log. */
export interface LogMeter {
  appended(kind: 'state' | 'null'): void;
  readonly skipped: Counter<'reason'>;
  readonly snapshots: Counter;
  leads(isLeading: boolean): void;
  /** When the oldest change not yet appended was applied; null: all known changes are appended. */
  behindSince(oldest: Date | null): void;
}

/** The metrics of all state logs that a process may append to. Returns a function that makes the meter of one log, by the kind of its entities. */
export function createStateLogMetrics(registry: Registry): (log: string) => LogMeter {
  /** For each log that this process appends to: the time from which changes may be missing on it, epoch ms; null: none are. */
  const leading = new Map<string, number | null>();
  const registers = [registry];
  const leader = new Gauge({
    name: 'notion_mirror_state_log_leader',
    help: '1 in the process that appends to the state log of this kind.',
    labelNames: ['log'],
    registers,
  });
  const lag = new Gauge({
    name: 'notion_mirror_state_log_lag_seconds',
    help: 'In the process that appends to the state log of this kind: age of the oldest change that is not on it.',
    labelNames: ['log'],
    registers,
    collect() {
      const now = Date.now();
      lag.reset();
      for (const [log, since] of leading) lag.set({ log }, since === null ? 0 : Math.max(0, now - since) / 1000);
    },
  });
  const appended = new Counter({
    name: 'notion_mirror_state_log_appended_total',
    help: 'Changes appended to the state log of this kind: states, and nulls for deleted records.',
    labelNames: ['log', 'kind'],
    registers,
  });
  const shared = {
    skipped: new Counter({
      name: 'notion_mirror_state_log_skipped_total',
      help: 'Changes not appended: restored from the state log, unreadable, or refused by the broker.',
      labelNames: ['reason'],
      registers,
    }),
    snapshots: new Counter({
      name: 'notion_mirror_state_log_snapshots_total',
      help: 'Full snapshots appended: at the first start, and whenever changes were missed.',
      registers,
    }),
  };
  return function meterOfLog(log) {
    leader.set({ log }, 0);
    return {
      ...shared,
      appended: (kind) => appended.inc({ log, kind }),
      leads(isLeading) {
        if (leading.has(log) === isLeading) return;
        if (isLeading) leading.set(log, Date.now());
        else leading.delete(log);
        leader.set({ log }, isLeading ? 1 : 0);
      },
      behindSince(oldest) {
        if (leading.has(log)) leading.set(log, oldest === null ? null : oldest.getTime());
      },
    };
  };
}
