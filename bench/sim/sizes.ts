import { defaultTopicSettings } from '@notion-mirror/event-log/topics';
import { variables } from '@notion-mirror/service-kit/variables';
import { table } from '../report.ts';
import type { Calibration } from './calibration.ts';

/** What nobody can measure for you: put your own in. */
export const assumptions = {
  databasesOfWorkspace: 20,
  eventsOfWorkspaceADay: 50,
  peakOverAverage: 5,
  documentBytes: 3_000,
  callMs: 200,
  /** Of what a machine can do, what is planned for. */
  plannedShare: 0.5,
} as const;

/** Where each is from is beside it in docs/scaling.md. */
export const known = {
  eventBytesOnLog: 1_100,
  outcomeBytes: 1_300,
  copies: 3,
  outcomeDays: setting('MIRROR_OUTCOME_RETENTION_DAYS'),
  sweepHours: setting('MIRROR_RECONCILE_INTERVAL_HOURS'),
  /** As in services/sync-worker/src/sweep/reconciler.ts. */
  sweepsOfWorkerAtOnce: 8,
  tokenSeconds: setting('MIRROR_NANGO_TOKEN_SECONDS'),
  callsOfConnectionAMinute: setting('MIRROR_NOTION_REQUESTS_PER_MINUTE'),
  logDays: defaultTopicSettings.retentionMs / 86_400_000,
  nangoCallsAMinute: 2_000,
  /** `npm run bench -- --only memory`. `waiting`: when a worker holds as many events as it may. */
  ingressMegabytes: { alone: 125, tenant: 0.0024 },
  workerMegabytes: { alone: 120, waiting: 200, tenant: 0.0025 },
} as const;

const daySeconds = 86_400;

/** What so many workspaces come to. Bytes are before any compression; rates are a second. */
export interface Size {
  readonly workspaces: number;
  readonly events: { readonly average: number; readonly peak: number };
  /** Two an event at most: fewer where events for the same database wait for each other. */
  readonly notionCalls: { readonly average: number; readonly peak: number; readonly sweeps: number };
  readonly callsOfConnectionAMinute: number;
  /** At the peak, when each worker that has an event of a tenant has asked for its token once in five minutes. */
  readonly nangoCallsAMinute: number;
  readonly ingresses: number;
  readonly workers: { readonly forEvents: number; readonly forSweeps: number; readonly all: number };
  readonly megabytes: { readonly ingress: number; readonly worker: number };
  readonly logBytes: number;
  readonly stateLogBytes: number;
  readonly documents: number;
  readonly documentBytes: number;
  readonly outcomeBytes: number;
  /** At the peak: the document and the outcome. */
  readonly mongoWrites: number;
}

export function sizeOf(workspaces: number, { cpu }: Pick<Calibration, 'cpu'>): Size {
  const { databasesOfWorkspace, eventsOfWorkspaceADay, peakOverAverage, callMs, plannedShare } = assumptions;
  const average = (workspaces * eventsOfWorkspaceADay) / daySeconds;
  const peak = average * peakOverAverage;
  const callsOfSweep = Math.ceil(databasesOfWorkspace / 100) + databasesOfWorkspace;
  const sweeps = workspaces / (known.sweepHours * 3_600);
  const peakOfWorkspace = peak / workspaces;
  const inCores = (rate: number, microseconds: number) => (rate * microseconds) / 1e6 / plannedShare;
  // A call of a sweep costs a worker about what a call of an event does, and an event has two.
  const forEvents = inCores(peak, cpu.worker) + inCores(sweeps * callsOfSweep, cpu.worker / 2);
  // One call after the other, and so many tenants at a time.
  const forSweeps = (sweeps * callsOfSweep * (callMs / 1_000)) / known.sweepsOfWorkerAtOnce / plannedShare;
  const documents = workspaces * databasesOfWorkspace;
  return {
    workspaces,
    events: { average, peak },
    notionCalls: { average: 2 * average, peak: 2 * peak, sweeps: sweeps * callsOfSweep },
    callsOfConnectionAMinute: (2 * average * 60 + sweeps * callsOfSweep * 60) / workspaces,
    nangoCallsAMinute: (60 * peak) / (1 + peakOfWorkspace * known.tokenSeconds),
    ingresses: Math.max(2, Math.ceil(inCores(peak, cpu.ingress))),
    workers: {
      forEvents: Math.ceil(forEvents),
      forSweeps: Math.ceil(forSweeps),
      all: Math.max(2, Math.ceil(forEvents), Math.ceil(forSweeps)),
    },
    megabytes: {
      ingress: known.ingressMegabytes.alone + workspaces * known.ingressMegabytes.tenant,
      worker: known.workerMegabytes.alone + known.workerMegabytes.waiting + workspaces * known.workerMegabytes.tenant,
    },
    logBytes: average * daySeconds * known.logDays * known.eventBytesOnLog * known.copies,
    stateLogBytes: documents * assumptions.documentBytes * known.copies,
    documents,
    documentBytes: documents * assumptions.documentBytes,
    outcomeBytes: average * daySeconds * known.outcomeDays * known.outcomeBytes,
    mongoWrites: 2 * peak,
  };
}

export const sizesShown = [1_000, 10_000, 100_000, 1_000_000] as const;

/** As a table of Markdown, a column for each size. */
export function sizesTable(calibration: Pick<Calibration, 'cpu'>): string {
  const sizes = sizesShown.map((workspaces) => sizeOf(workspaces, calibration));
  const row = (name: string, of: (size: Size) => string) => [name, ...sizes.map(of)];
  return table(
    row('workspaces', ({ workspaces }) => count(workspaces)),
    [
      row('events a second, average / peak', ({ events }) => `${count(events.average)} / ${count(events.peak)}`),
      row(
        'Notion calls a second for events, average / peak',
        ({ notionCalls }) => `${count(notionCalls.average)} / ${count(notionCalls.peak)}`,
      ),
      row('Notion calls a second for [sweeps](reconcile.md)', ({ notionCalls }) => count(notionCalls.sweeps)),
      row(`Notion calls of one connection a minute, of ${known.callsOfConnectionAMinute}`, ({ callsOfConnectionAMinute }) =>
        count(callsOfConnectionAMinute),
      ),
      row(`calls to Nango a minute at the peak, of ${count(known.nangoCallsAMinute)}`, ({ nangoCallsAMinute }) =>
        boldIf(nangoCallsAMinute > known.nangoCallsAMinute, count(nangoCallsAMinute)),
      ),
      row('ingresses', ({ ingresses }) => count(ingresses)),
      row('sync-workers: for their CPU / for sweeps / in all', ({ workers: { forEvents, forSweeps, all } }) =>
        [forEvents, forSweeps, all].map(count).join(' / '),
      ),
      row('memory of an ingress / of a worker', ({ megabytes }) =>
        [megabytes.ingress, megabytes.worker].map((mb) => bytes(mb * 1e6)).join(' / '),
      ),
      row(`log of events, ${known.logDays} days, three copies`, ({ logBytes }) => bytes(logBytes)),
      row('log of states, compacted, three copies', ({ stateLogBytes }) => bytes(stateLogBytes)),
      row('documents in MongoDB', (size) => count(size.documents)),
      row('their bytes', (size) => bytes(size.documentBytes)),
      row(`outcomes in MongoDB, ${known.outcomeDays} days`, ({ outcomeBytes }) => bytes(outcomeBytes)),
      row('writes of MongoDB a second at the peak', ({ mongoWrites }) => count(mongoWrites)),
    ],
  ).join('\n');
}

/** µs of CPU and the rest of what sizes are computed from. */
export function calibrationTable({ cpu, wakeUp }: Calibration): string {
  const rows: readonly (readonly [string, string, string])[] = [
    ['CPU of the ingress, an event in a burst', micro(cpu.ingress), 'burst-5000'],
    ['CPU of the sync-worker, an event in a burst for a database that it has', micro(cpu.worker), 'burst-5000'],
    ['CPU of the sync-worker, a new database', micro(cpu.newDatabase), 'workers'],
    ['CPU of Kafka, an event in a burst', micro(cpu.broker), 'burst-5000'],
    ['CPU of MongoDB, an event in a burst', micro(cpu.mongod), 'burst-5000'],
    ['the same at 50 events a second, more for each time that it is woken: ingress', micro(wakeUp.ingress), 'event-to-document'],
    ['sync-worker', micro(wakeUp.worker), 'event-to-document'],
    ['Kafka', micro(wakeUp.broker), 'event-to-document'],
    ['MongoDB', micro(wakeUp.mongod), 'event-to-document'],
  ];
  return table(['measured', '', '`npm run bench -- --only …`'], rows).join('\n');
}

/** What a setting is when nobody sets it. */
function setting(name: keyof typeof variables): number {
  return Number(variables[name].default);
}

function micro(value: number): string {
  return `${count(value)} µs`;
}

function boldIf(condition: boolean, text: string): string {
  return condition ? `**${text}**` : text;
}

/** Two digits are all that such figures have. */
function count(value: number): string {
  const rounded = Number.isInteger(value) && value < 1_000 ? value : Number(value.toPrecision(2));
  return rounded.toLocaleString('en', { maximumFractionDigits: 2 });
}

function bytes(value: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(value) / 3));
  return `${count(value / 1_000 ** power)} ${units[power] ?? 'B'}`;
}
