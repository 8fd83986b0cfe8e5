import type { StubSystem } from './stub-system.ts';
import { mongoTask } from './mongo-floor.ts';
import { newTable } from './row-answers.ts';
import type { Contender } from './scenario.ts';

/** Mirrors so many rows of a data source into an empty database of its own, with the least code. Figures as of `mongoFloor`. */
export function bareScan(bench: StubSystem, rows: number): Contender {
  const notionUrl = String(bench.system.env['MIRROR_NOTION_API_URL']);
  return mongoTask(bench, 'bare scan: a query, a bulkWrite', rows, 'floors/bare-scan.ts', () => ({
    notionUrl,
    dataSourceId: newTable(rows).dataSourceId,
  }));
}
