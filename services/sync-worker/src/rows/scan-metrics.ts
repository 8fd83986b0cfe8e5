import type { Scan } from '@notion-mirror/mirror-store/contents-document';
import { Counter, Gauge, type Registry } from '@notion-mirror/service-kit/metrics';
import type { ScanCounts } from './scan-notes.ts';

export interface ScanFigures {
  /** Data sources whose rows are not known completely, and the reason needs an operator. */
  readonly incomplete: number;
  /** Milliseconds since the mirror knew all rows of the data source that waits longest; null: there is none. */
  readonly oldestMs: number | null;
}

/** `complete`, `incomplete`: all rows were read. `edited`: those that were edited. `paused`: to be resumed by this worker or another. */
export type ScanResult = 'complete' | 'incomplete' | 'edited' | 'failed' | 'paused';

export interface ScanMetrics {
  ended(depth: Scan['depth'], result: ScanResult, counts: ScanCounts): void;
}

/** `figures` is called on each scrape. Neither tenants nor data sources are labels. */
export function createScanMetrics(registry: Registry, figures: () => ScanFigures): ScanMetrics {
  const registers = [registry];
  const scans = new Counter({
    registers,
    name: 'notion_mirror_row_scans_total',
    help: 'Scans of the rows of a data source, by depth and result. Paused: another scan had its turn, the worker stopped, or the tenant moved to another one.',
    labelNames: ['depth', 'result'],
  });
  const calls = new Counter({
    registers,
    name: 'notion_mirror_row_scan_queries_total',
    help: 'Queries of rows by scans: calls to Notion, up to 100 rows each.',
  });
  const rows = new Counter({
    registers,
    name: 'notion_mirror_row_scan_rows_total',
    help: 'Rows that scans got from queries (returned), wrote from them (written), and read singly (read_singly).',
    labelNames: ['what'],
  });
  const incomplete = new Gauge({
    registers,
    name: 'notion_mirror_row_sources_incomplete',
    help: "Data sources of this worker's tenants whose rows are incomplete for a reason that needs an operator: `mirror rows status`.",
    collect() {
      incomplete.set(figures().incomplete);
    },
  });
  const oldest = new Gauge({
    registers,
    name: 'notion_mirror_row_complete_oldest_seconds',
    help: "Time since all rows were last known, of the data source of this worker's tenants for which that was longest ago.",
    collect() {
      const { oldestMs } = figures();
      if (oldestMs === null) oldest.reset();
      else oldest.set(oldestMs / 1000);
    },
  });
  return {
    ended(depth, result, { calls: queries, returned, written, readSingly }) {
      scans.inc({ depth, result });
      calls.inc(queries);
      rows.inc({ what: 'returned' }, returned);
      rows.inc({ what: 'written' }, written);
      rows.inc({ what: 'read_singly' }, readSingly);
    },
  };
}
