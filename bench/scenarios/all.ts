import type { Scenario } from '../scenario.ts';
import { deletePath } from './delete-path.ts';
import { documentSize } from './document-size.ts';
import { eventToDocumentScenario } from './event-to-document.ts';
import { hotDatabase } from './hot-database.ts';
import { hotWorkspace } from './hot-workspace.ts';
import { idle } from './idle.ts';
import { ingressScenario } from './ingress.ts';
import { memory } from './memory.ts';
import { logAppends, logReads } from './log-floors.ts';
import { rebuild } from './rebuild.ts';
import { startStop } from './start-stop.ts';
import { tenants } from './tenants.ts';
import { workerWrites } from './worker-writes.ts';
import { workers } from './workers.ts';

/** In the order in which they are run and shown. */
export const scenarios: readonly Scenario[] = [
  ingressScenario(64),
  larger(ingressScenario(256)),
  eventToDocumentScenario({
    name: 'event-to-document',
    title: '50 events a second over 50 workspaces, until the document is there',
    workspaces: 50,
    databases: 1,
    events: 1_000,
    fewEvents: 100,
    rate: 50,
    beside: ['DBOS, default polling', 'DBOS, polling 20 ms'],
    targets: [
      // A call's time and 12 ms: a database that is known and its data sources are read at once.
      { figure: 'p50', of: 'notion-mirror', against: null, bound: 'at most', value: 32 },
      { figure: 'p50', of: 'notion-mirror', against: 'DBOS, default polling', bound: 'at most', value: 1 / 25 },
      { figure: 'p50', of: 'notion-mirror', against: 'DBOS, polling 20 ms', bound: 'at most', value: 1 / 3 },
      { figure: 'CPU', of: 'notion-mirror', against: 'DBOS, polling 20 ms', bound: 'at most', value: 0.5 },
      { figure: 'ack p50', of: 'notion-mirror', against: null, bound: 'at most', value: 5 },
      { figure: 'ack p99', of: 'notion-mirror', against: null, bound: 'at most', value: 25 },
    ],
  }),
  larger(
    eventToDocumentScenario({
      name: 'burst-5000',
      title: 'A burst of 5,000 events over 200 workspaces, 5,000 databases',
      workspaces: 200,
      databases: 25,
      events: 5_000,
      fewEvents: 400,
      rate: null,
      beside: ['DBOS, polling 20 ms'],
      targets: [
        { figure: 'documents', of: 'notion-mirror', against: 'DBOS, polling 20 ms', bound: 'at least', value: 10 },
        { figure: 'CPU', of: 'notion-mirror', against: 'DBOS, polling 20 ms', bound: 'at most', value: 0.5 },
      ],
    }),
  ),
  larger(
    eventToDocumentScenario({
      name: 'burst-20000',
      title: 'A burst of 20,000 events over 5,000 databases of 200 workspaces',
      workspaces: 200,
      databases: 25,
      events: 20_000,
      fewEvents: 800,
      rate: null,
      beside: [],
      targets: [],
    }),
  ),
  deletePath({
    name: 'delete-path',
    title: '50 deletes a second over 50 workspaces, until the content is gone',
    workspaces: 50,
    deletes: 1_000,
    fewDeletes: 100,
    rate: 50,
  }),
  deletePath({
    name: 'delete-burst',
    title: 'A burst of 5,000 deletes over 200 workspaces',
    workspaces: 200,
    deletes: 5_000,
    fewDeletes: 200,
    rate: null,
  }),
  logAppends,
  logReads,
  workerWrites,
  rebuild,
  hotDatabase,
  hotWorkspace,
  memory,
  idle,
  startStop,
  workers,
  tenants,
  documentSize,
];

function larger(scenario: Scenario): Scenario {
  return { ...scenario, isLarger: true };
}
