import type { Connection, ConnectionStatus } from '@notion-mirror/domain/connection';
import { withAdmin } from '@notion-mirror/event-log/kafka-client';
import { rangesBy, readRanges } from '@notion-mirror/event-log/range-reader';
import { groupIdFor, readerGroupId, topicsFor, workerNames, type WorkerName } from '@notion-mirror/event-log/topics';
import { nextOffset, whereaboutsBy } from '@notion-mirror/event-log/whereabouts';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import { createConnectionStore } from '@notion-mirror/mirror-store/connection-store';
import { openContentsReports, type ContentsSummary, type SourceContents } from '@notion-mirror/mirror-store/contents-reports';
import { rowStorage } from '@notion-mirror/mirror-store/entities/row';
import { createParkedEvents } from '@notion-mirror/mirror-store/parked-events';
import { countRecords } from '@notion-mirror/mirror-store/records/record-counts';
import { createSettledDeadLetters } from '@notion-mirror/mirror-store/settled-dead-letters';
import { createSpool } from '@notion-mirror/mirror-store/spool';
import { silentTenants, type SilentTenant } from '@notion-mirror/mirror-store/tenant-signs';
import { liveWorkers, type TenantBacklog, type WorkerStatus } from '@notion-mirror/mirror-store/worker-status';
import type { OperationContext } from '../operation-context.ts';
import { askKafka, type Admin, type Kafka } from '../servers.ts';
import { notionUseOf, type NotionStatus } from './notion-use.ts';

export interface GroupStatus {
  readonly service: WorkerName;
  readonly workers: number;
  /** Unfinished records of the log. */
  readonly lag: number;
  /** When the oldest of them was appended; null when there is none. */
  readonly oldestAt: Date | null;
  /** Running calls of the handler, and records waiting in memory. */
  readonly running: number;
  readonly waiting: number;
}

export interface MirrorStatus {
  readonly at: Date;
  /** Tenants by the best status of their connections, and connections by status. */
  readonly tenants: Readonly<Record<ConnectionStatus, number>>;
  readonly connections: Readonly<Record<ConnectionStatus, number>>;
  readonly groups: readonly GroupStatus[];
  /** The tenants with the oldest waiting records, as reported by the workers. */
  readonly pending: readonly TenantBacklog[];
  /** Tenants held until a given time, e.g. for room in their budget. */
  readonly held: readonly TenantBacklog[];
  readonly deadLetters: number;
  readonly spooled: number;
  readonly parked: number;
  readonly silent: readonly SilentTenant[];
  readonly rows: RowsSummary;
  /** How much of the budgets of calls to Notion is used, with the ten busiest connections, and which limits calls met. */
  readonly notion: NotionStatus;
}

export interface RowsSummary extends ContentsSummary {
  /** Mirrored now; `rows` is as of the last complete scans. */
  readonly mirrored: number;
  /** The first incomplete data sources. */
  readonly incomplete: readonly SourceContents[];
}

const shownTenants = 10;
const shownSources = 10;
const shownConnections = 10;

/** The part of the status that MongoDB has; `workers`: those that reported recently. */
export type StoreStatus = Omit<MirrorStatus, 'groups' | 'deadLetters'> & { readonly workers: readonly WorkerStatus[] };

/** The part of the status that needs Kafka. */
export type LogStatus = Pick<MirrorStatus, 'groups' | 'deadLetters'>;

/** Asks Kafka and MongoDB only. Rejects with an OperatorError, or the store's errors. */
export async function gatherStatus(context: OperationContext, db: Mongo['db'], kafka: Kafka): Promise<MirrorStatus> {
  const connections = await createConnectionStore(db).states();
  const tenants = Map.groupBy(connections, ({ workspaceId }) => workspaceId).values();
  const { workers, ...store } = await gatherStoreStatus(db, [...tenants], context.config);
  return { ...store, ...(await gatherLogStatus(context, db, kafka, workers)) };
}

/** `tenants`: the connections of each. `rows`: what is known of rows, which takes a look at every data source. Rejects with the store's errors. */
export async function gatherStoreStatus(
  db: Mongo['db'],
  tenants: Iterable<readonly Pick<Connection, 'status'>[]>,
  { silenceMs }: { readonly silenceMs: number },
  rowsOf: () => Promise<RowsSummary> = async () => rowsSummary(db),
): Promise<StoreStatus> {
  const at = new Date();
  const [workers, spooled, parked, silent, rows] = await Promise.all([
    liveWorkers(db, at),
    createSpool(db).count(),
    createParkedEvents(db).count(),
    silentTenants(db, silenceMs, at),
    rowsOf(),
  ]);
  const backlog = workers.flatMap((worker) => worker.backlog);
  return {
    at,
    ...countByStatus(tenants),
    pending: backlog.toSorted((a, b) => a.oldestAt.getTime() - b.oldestAt.getTime()).slice(0, shownTenants),
    held: backlog.filter(({ held }) => held !== null && held.until > at).slice(0, shownTenants),
    spooled,
    parked,
    silent,
    rows,
    notion: notionUseOf(workers, shownConnections),
    workers,
  };
}

/** Rejects with an OperatorError, or the store's errors. */
export async function gatherLogStatus(
  context: OperationContext,
  db: Mongo['db'],
  kafka: Kafka,
  workers: readonly WorkerStatus[],
): Promise<LogStatus> {
  return askKafka(context, async () =>
    withAdmin(kafka, async (admin) => {
      const [deadLetters, ...groups] = await Promise.all([
        waitingLetters(context, db, admin),
        ...workerNames.map(async (service) => groupStatus(context, { kafka, admin }, service, workers)),
      ]);
      return { groups, deadLetters };
    }),
  );
}

export async function rowsSummary(db: Mongo['db']): Promise<RowsSummary> {
  const contents = openContentsReports(db);
  const [summary, incomplete, { live: mirrored }] = await Promise.all([
    contents.summary(),
    contents.list({ states: ['incomplete'] }, shownSources),
    countRecords(db, rowStorage),
  ]);
  return { ...summary, mirrored, incomplete };
}

const order: readonly ConnectionStatus[] = ['active', 'unauthorized', 'paused', 'deleted'];

/** Of a tenant with these connections. */
export function bestStatus(connections: readonly Pick<Connection, 'status'>[]): ConnectionStatus {
  return order.find((status) => connections.some((connection) => connection.status === status)) ?? 'deleted';
}

function countByStatus(of: Iterable<readonly Pick<Connection, 'status'>[]>): Pick<MirrorStatus, 'tenants' | 'connections'> {
  const tenants = { active: 0, paused: 0, unauthorized: 0, deleted: 0 };
  const connections = { ...tenants };
  for (const own of of) {
    tenants[bestStatus(own)] += 1;
    for (const { status } of own) connections[status] += 1;
  }
  return { tenants, connections };
}

async function groupStatus(
  context: OperationContext,
  { kafka, admin }: { readonly kafka: Kafka; readonly admin: Admin },
  service: GroupStatus['service'],
  live: readonly WorkerStatus[],
): Promise<GroupStatus> {
  const { topicPrefix } = context.config;
  const topic = topicsFor(topicPrefix).events;
  const own = live.filter((worker) => worker.service === service);
  const whereabouts = await whereaboutsBy(admin, groupIdFor(topicPrefix, service), topic);
  const behind = whereabouts
    .map(({ partition, high, ...at }) => ({ partition, from: nextOffset(at), to: high }))
    .filter(({ from, to }) => from < to);
  const said = own.flatMap(({ oldestAt }) => (oldestAt === null ? [] : [oldestAt.getTime()]));
  // Reported by the workers, or without one read from the log.
  const times = own.length > 0 || behind.length === 0 ? said : await oldestTimes(context, kafka, topic, behind);
  return {
    service,
    workers: own.length,
    lag: behind.reduce((sum, { from, to }) => sum + Number(to - from), 0),
    oldestAt: times.length === 0 ? null : new Date(Math.min(...times)),
    running: own.reduce((sum, { running }) => sum + running, 0),
    waiting: own.reduce((sum, { waiting }) => sum + waiting, 0),
  };
}

/** The append time of the first record of each range. */
async function oldestTimes(
  context: OperationContext,
  kafka: Kafka,
  topic: string,
  behind: readonly { readonly partition: number; readonly from: bigint }[],
): Promise<number[]> {
  const times: number[] = [];
  await readRanges({
    kafka,
    topic,
    groupId: readerGroupId(context.config.topicPrefix),
    ranges: behind.map(({ partition, from }) => ({ partition, from, to: from + 1n })),
    signal: context.signal,
    onRecords(records) {
      times.push(...records.map(({ timestamp }) => timestamp));
      return Promise.resolve('enough');
    },
  });
  return times;
}

async function waitingLetters(context: OperationContext, db: Mongo['db'], admin: Admin): Promise<number> {
  const topic = topicsFor(context.config.topicPrefix).deadLetters;
  const ranges = (await rangesBy(admin, topic)) ?? [];
  const settled = createSettledDeadLetters(db, topic);
  const waiting = await Promise.all(
    ranges.map(async ({ partition, from, to }) => Number(to - from) - (await settled.count(partition, from))),
  );
  return waiting.reduce((sum, some) => sum + Math.max(0, some), 0);
}
