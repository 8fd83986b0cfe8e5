import type { Scenario } from '../scenario.ts';
import { consoleScenario } from './console.ts';
import { eventToDocumentScenario } from './event-to-document.ts';
import { idle } from './idle.ts';
import { ingress } from './ingress.ts';
import { memory } from './memory.ts';
import { partitions } from './partitions.ts';
import { rebuild, rowRebuild } from './rebuild.ts';
import { rollingRestart } from './rolling-restart.ts';
import { rowBackfill } from './row-backfill.ts';
import { rowBudget } from './row-budget.ts';
import { rowBulkEdit } from './row-bulk-edit.ts';
import { rowMemory } from './row-memory.ts';
import { rowDuringBackfill, rowToDocument } from './row-to-document.ts';
import { startStop } from './start-stop.ts';
import { tenants } from './tenants.ts';
import { workerWrites } from './worker-writes.ts';

/** In the order in which they run. */
export const scenarios: readonly Scenario[] = [
  ingress,
  eventToDocumentScenario({
    name: 'event-to-document',
    title: '50 events a second over 50 workspaces, until the document is there',
    workspaces: 50,
    databases: 1,
    events: 1_000,
    fewEvents: 100,
    rate: 50,
    targets: [
      // The latency of a call and 12 ms: a known database and its data sources are read at the same time.
      { figure: 'p50', of: 'notion-mirror', against: null, bound: 'at most', value: 32 },
      { figure: 'ack p50', of: 'notion-mirror', against: null, bound: 'at most', value: 5 },
      { figure: 'ack p99', of: 'notion-mirror', against: null, bound: 'at most', value: 25 },
    ],
  }),
  {
    ...eventToDocumentScenario({
      name: 'burst-5000',
      title: 'A burst of 5,000 events over 200 workspaces, 5,000 databases',
      workspaces: 200,
      databases: 25,
      events: 5_000,
      fewEvents: 400,
      rate: null,
      targets: [],
    }),
    plots: [{ kind: 'bars', figure: 'documents' }],
    isLarger: true,
  },
  workerWrites,
  rebuild,
  memory,
  idle,
  consoleScenario,
  startStop,
  partitions,
  rollingRestart,
  tenants,
  rowToDocument,
  rowDuringBackfill,
  rowBackfill,
  rowRebuild,
  rowBudget,
  rowBulkEdit,
  rowMemory,
];
