import { Counter, Gauge, type Registry } from '@notion-mirror/service-kit/metrics';

/** The measurements of one publisher on its log. */
export interface LogMeter {
  readonly appended: Counter<'kind'>;
  readonly skipped: Counter<'reason'>;
  readonly snapshots: Counter;
  leads(isLeading: boolean): void;
  /** When the oldest change not yet appended was applied; null: all known changes are appended. */
  behindSince(oldest: Date | null): void;
}

/** The metrics of all state logs that a process may append to. Returns a function that makes the meter of one log. */
export function createStateLogMetrics(registry: Registry): () => LogMeter {
  /** For each log that this process appends to: the time from which changes may be missing on it, epoch ms; null: none are. */
  const leading = new Map<LogMeter, number | null>();
  const registers = [registry];
  const leader = new Gauge({
    name: 'notion_mirror_state_log_leader',
    help: '1 in the process that appends to the state log.',
    registers,
  });
  const lag = new Gauge({
    name: 'notion_mirror_state_log_lag_seconds',
    help: 'In the process that appends to the state log: age of the oldest change that is not on it.',
    registers,
    collect() {
      const now = Date.now();
      lag.set(Math.max(0, ...[...leading.values()].map((since) => (since === null ? 0 : now - since))) / 1000);
    },
  });
  const shared = {
    appended: new Counter({
      name: 'notion_mirror_state_log_appended_total',
      help: 'Changes appended to the state log: states, and nulls for deleted records.',
      labelNames: ['kind'],
      registers,
    }),
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
  return function meterOfLog() {
    const meter: LogMeter = {
      ...shared,
      leads(isLeading) {
        if (leading.has(meter) === isLeading) return;
        if (isLeading) leading.set(meter, Date.now());
        else leading.delete(meter);
        leader.set(leading.size);
      },
      behindSince(oldest) {
        if (leading.has(meter)) leading.set(meter, oldest === null ? null : oldest.getTime());
      },
    };
    return meter;
  };
}
