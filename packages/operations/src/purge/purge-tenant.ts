import { withAdmin } from '@notion-mirror/event-log/kafka-client';
import { setTimeout as delay } from 'node:timers/promises';
import type { Connection } from '@notion-mirror/domain/connection';
import { partitionOfKey } from '@notion-mirror/event-log/stable-partitioner';
import { groupIdFor, retentionOf, topicsFor, workerNames } from '@notion-mirror/event-log/topics';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import { createConnectionNotices } from '@notion-mirror/mirror-store/connection-notices';
import { createConnectionStore } from '@notion-mirror/mirror-store/connection-store';
import { openOperatorActions, type OperatorActions } from '@notion-mirror/mirror-store/operator-actions';
import { openTenantData, type TenantCounts, type TenantData } from '@notion-mirror/mirror-store/tenant-data';
import type { OperationContext } from '../operation-context.ts';
import { OperatorError } from '../operator-error.ts';
import { kafkaOf, stateLogsOf, type Admin } from '../servers.ts';
import { count, oneLine } from '../text.ts';

export interface PurgePlan {
  readonly workspaceId: string;
  readonly connections: readonly Connection[];
  readonly documents: TenantCounts;
}

export interface Receipt {
  readonly workspaceId: string;
  readonly connections: readonly string[];
  /** Erased documents by collection. */
  readonly erased: TenantCounts;
  readonly erasedAt: Date;
  /** `at`: when it will be gone; null: the topic keeps its records forever. */
  readonly agesOut: readonly { readonly what: string; readonly where: string; readonly at: Date | null }[];
}

/** Time until every process has learnt that the connections are deleted: change streams, and their longest pause after a break. */
const propagationMs = 6_000;
const pollMs = 500;
/** Consecutive checks that must find nothing left. */
const quietChecks = 3;

/** What a purge would erase. Rejects with an OperatorError when nothing is known of the tenant. */
export async function planPurge(context: OperationContext, db: Mongo['db'], workspaceId: string): Promise<PurgePlan> {
  const connections = await createConnectionStore(db).list(workspaceId);
  const documents = await openTenantData(db, storagesOf(context)).count(workspaceId);
  if (isEmpty(documents)) throw new OperatorError('unknown_tenant', `nothing is known of a tenant ${oneLine(workspaceId)}`);
  return { workspaceId, connections, documents };
}

/**
 * Erases a tenant, and resolves when nothing of it is left in MongoDB and no worker can write it again. Waits for the workers for up to
 * `waitMs`. Rejects with an OperatorError when that could not be confirmed: run it again.
 */
export async function purgeTenant(
  context: OperationContext,
  db: Mongo['db'],
  { workspaceId, connections, documents }: PurgePlan,
  waitMs: number,
): Promise<Receipt> {
  const tenants = openTenantData(db, storagesOf(context));
  await tenants.silence(workspaceId, 'purged by an operator');
  await createConnectionNotices(db).bar(connections.filter(({ token }) => token === null));
  context.onProgress('connections deleted, content erased; waiting for workers that still handle its events');
  await workersDone(context, workspaceId, waitMs);
  const erased = await eraseForGood(tenants, openOperatorActions(db), workspaceId, context.signal);
  return {
    workspaceId,
    connections: connections.map((connection) => connection.connectionId),
    erased: sum([documents, erased]),
    erasedAt: new Date(),
    agesOut: await agingOut(context),
  };
}

/** The tenant of a connection, which must be the tenant's only one. Rejects with an OperatorError. */
export async function tenantOf(db: Mongo['db'], connectionId: string): Promise<string> {
  const store = createConnectionStore(db);
  const connection = await store.get(connectionId);
  if (connection === null) {
    throw new OperatorError('unknown_connection', `there is no connection ${oneLine(connectionId)}`, { remedy: 'mirror connections list' });
  }
  const { workspaceId } = connection;
  const others = (await store.list(workspaceId)).filter((other) => other.connectionId !== connectionId && other.status !== 'deleted');
  if (others.length > 0) {
    const message = `the tenant ${oneLine(workspaceId)} has ${count(others.length, 'other connection')}, and its documents are theirs too`;
    throw new OperatorError('not_alone', message, {
      remedy: `mirror connections remove ${oneLine(connectionId)} ends this one; purge --workspace-id ${oneLine(workspaceId)} erases all`,
    });
  }
  return workspaceId;
}

/**
 * Resolves when no worker can still handle the tenant's events: all know that its connections are deleted, and both groups have committed past
 * the end of the log at that time. A record is committed only after it was handled.
 */
async function workersDone(context: OperationContext, workspaceId: string, waitMs: number): Promise<void> {
  const { config, signal } = context;
  const deadline = Date.now() + waitMs;
  await delay(propagationMs, undefined, { signal });
  const { events } = topicsFor(config.topicPrefix);
  const groups = workerNames.map((worker) => groupIdFor(config.topicPrefix, worker));
  await withAdmin(kafkaOf(context), async (admin) => {
    const ends = await admin.fetchTopicOffsets(events);
    const partition = partitionOfKey(workspaceId, ends.length);
    const end = BigInt(ends.find((one) => one.partition === partition)?.high ?? 0);
    for (const groupId of groups) {
      while (!(await isPast(admin, { groupId, topic: events, partition, end }))) {
        if (Date.now() > deadline) {
          throw new OperatorError('still_at_work', `${groupId} has not handled the events on the log within ${waitMs / 1000} s`, {
            remedy: 'its content is gone and its connections are deleted; run purge again when `mirror doctor` shows no lag',
          });
        }
        await delay(pollMs, undefined, { signal });
      }
    }
  });
}

async function isPast(
  admin: Admin,
  { groupId, topic, partition, end }: { groupId: string; topic: string; partition: number; end: bigint },
): Promise<boolean> {
  const { groups } = await admin.describeGroups([groupId]);
  // No worker is running.
  if (groups.every(({ members }) => members.length === 0)) return true;
  const [offsets] = await admin.fetchOffsets({ groupId, topics: [topic] });
  return BigInt(offsets?.partitions.find((one) => one.partition === partition)?.offset ?? -1) >= end;
}

/** Erases repeatedly until nothing has come back for a while. Resolves to the documents that came after the plan was made. */
async function eraseForGood(
  tenants: TenantData,
  actions: OperatorActions,
  workspaceId: string,
  signal: AbortSignal,
): Promise<TenantCounts> {
  await tenants.erase(workspaceId);
  const late: TenantCounts[] = [];
  for (let quiet = 0; quiet < quietChecks;) {
    await delay(pollMs, undefined, { signal });
    const found = await tenants.erase(workspaceId);
    late.push(found);
    quiet = isEmpty(found) ? quiet + 1 : 0;
  }
  // Before the tenant is unknown, so that another purge can finish this one.
  await actions.forget(workspaceId);
  await tenants.eraseConnections(workspaceId);
  const left = await tenants.count(workspaceId);
  if (!isEmpty(left))
    throw new OperatorError('came_back', 'documents of the tenant came back while it was erased', { remedy: 'run it again' });
  return sum(late);
}

async function agingOut(context: OperationContext): Promise<Receipt['agesOut']> {
  const { events, deadLetters } = topicsFor(context.config.topicPrefix);
  const stateLogs = stateLogsOf(context).map(({ topic }) => topic);
  const retention = await retentionOf(kafkaOf(context), [events, deadLetters, ...stateLogs]);
  const at = (topic: string) => {
    const ms = retention.get(topic);
    return ms === undefined || ms === null ? null : new Date(Date.now() + ms);
  };
  return [
    { what: 'events: ids, types and times, no content', where: `topic ${events}`, at: at(events) },
    ...stateLogs.map((topic) => ({
      what: 'documents as they were, in front of the nulls that now follow',
      where: `topic ${topic}`,
      at: at(topic),
    })),
    { what: 'dead letters, among them unreadable webhooks as they came', where: `topic ${deadLetters}`, at: at(deadLetters) },
    {
      what: 'ids of late webhooks that belong to no tenant',
      where: 'collection event_outcomes',
      at: new Date(Date.now() + context.config.outcomeRetentionMs),
    },
    {
      what: "the connections' ids, so that a late webhook does not bring them back",
      where: 'collection connection_notices',
      at: new Date(Date.now() + 30 * 24 * 60 * 60 * 1000),
    },
  ];
}

function storagesOf({ entities }: OperationContext) {
  return entities.map(({ storage }) => storage);
}

function isEmpty(counts: TenantCounts): boolean {
  return Object.values(counts).every((number) => number === 0);
}

function sum(all: readonly TenantCounts[]): TenantCounts {
  const total: Record<string, number> = {};
  for (const counts of all) for (const [name, number] of Object.entries(counts)) total[name] = (total[name] ?? 0) + number;
  return total;
}
