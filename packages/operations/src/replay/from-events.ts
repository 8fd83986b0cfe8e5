import type { Connection } from '@notion-mirror/domain/connection';
import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import type { EventTarget } from '@notion-mirror/domain/entity';
import { databaseKind } from '@notion-mirror/domain/entities/database';
import { rowKind } from '@notion-mirror/domain/entities/row';
import { syncEventFor } from '@notion-mirror/domain/sync-event';
import { readRanges, type LogRange } from '@notion-mirror/event-log/range-reader';
import { readerGroupId, topicsFor } from '@notion-mirror/event-log/topics';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import { createConnectionStore } from '@notion-mirror/mirror-store/connection-store';
import type { Replay, ReplayOrder } from '@notion-mirror/mirror-store/replays';
import { readTraceparent } from '@notion-mirror/service-kit/tracing/trace-context';
import type { OperationContext } from '../operation-context.ts';
import type { ReplayProgress } from './progress.ts';
import { sendingEvents } from '../operator-tracing.ts';
import { eventCodecOf, kafkaOf } from '../servers.ts';

/**
 * A row, a database or a data source to fetch again. `dataSourceId`: a source whose database no event has named; then `databaseId` is a hint. A
 * row has its `pageId` only.
 */
export interface Target extends EventTarget {
  readonly workspaceId: string;
  /** Of its last event. */
  readonly trace?: string;
}

export interface Targets {
  /** Sorted, so the same events give the same list. */
  readonly targets: readonly Target[];
  readonly events: number;
  readonly unreadable: number;
}

/** Collects what a range of events is about: each database and row once, however many events it had. */
export function createTargetCollector(order: Pick<ReplayOrder, 'workspaceId' | 'databaseId'>) {
  const databases = new Map<string, Target>();
  const rows = new Map<string, Target>();
  const sources = new Map<string, Target>();

  return {
    /** An event about all rows of a data source counts as one about the source: its fetch finds out what is to happen to them. */
    add({ workspaceId, databaseId, dataSourceId, pageId }: Pick<DatabaseEvent, 'workspaceId' | keyof EventTarget>, trace?: string): void {
      if (order.workspaceId !== null && workspaceId !== order.workspaceId) return;
      // Of a row this is the database that held it at the time of the event.
      if (order.databaseId !== null && databaseId !== order.databaseId) return;
      const last = trace === undefined ? {} : { trace };
      if (pageId !== null) rows.set(keyOf(workspaceId, pageId), { workspaceId, ...rowKind.targetOf(pageId), ...last });
      else if (dataSourceId !== null)
        sources.set(keyOf(workspaceId, dataSourceId), { workspaceId, databaseId, dataSourceId, pageId, ...last });
      else if (databaseId !== null)
        databases.set(keyOf(workspaceId, databaseId), { workspaceId, ...databaseKind.targetOf(databaseId), ...last });
    },
    /** A source whose hint is known to be a database is covered by that database's fetch. */
    targets(): Target[] {
      const found = new Map([...databases, ...rows]);
      for (const [key, source] of sources) {
        const { workspaceId, databaseId } = source;
        if (databaseId === null || !databases.has(keyOf(workspaceId, databaseId))) found.set(key, source);
      }
      return [...found].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, target]) => target);
    },
  };
}

function keyOf(workspaceId: string, id: string): string {
  return JSON.stringify([workspaceId, id]);
}

/** Reads the events once. Keeps only the ids of the databases and rows in memory. */
export async function collectTargets(
  context: OperationContext,
  order: ReplayOrder,
  ranges: readonly LogRange[],
  signal: AbortSignal,
): Promise<Targets> {
  const { config } = context;
  const { events: topic } = topicsFor(config.topicPrefix);
  const codec = await eventCodecOf(context);
  const collector = createTargetCollector(order);
  let events = 0;
  let unreadable = 0;
  await readRanges({
    kafka: kafkaOf(context),
    topic,
    groupId: readerGroupId(config.topicPrefix),
    ranges,
    signal,
    async onRecords(records) {
      for (const { value, headers } of records) {
        events += 1;
        const decoded = value === null ? null : await codec.decode(value);
        if (decoded?.kind === 'unavailable') throw decoded.error;
        if (decoded?.kind === 'event') collector.add(decoded.event, readTraceparent(headers['traceparent']));
        else unreadable += 1;
      }
      return 'more';
    },
  });
  return { targets: collector.targets(), events, unreadable };
}

/** One active connection per tenant; tenants without one are missing. */
export async function activeConnections(db: Mongo['db']): Promise<ReadonlyMap<string, Connection>> {
  const connections = await createConnectionStore(db).list();
  return new Map(connections.filter(({ status }) => status === 'active').map((connection) => [connection.workspaceId, connection]));
}

const atOnce = 100;

/**
 * Appends one sync event per target to the log; lanes and rate budgets do the rest. Skips the targets that `progress` counts as handled.
 * Tenants without an active connection are skipped: when one becomes active again, the tenant is synced in full.
 */
export async function replayEvents(context: OperationContext, db: Mongo['db'], replay: Replay, progress: ReplayProgress): Promise<void> {
  const { targets } = await collectTargets(context, replay, progress.left(topicsFor(context.config.topicPrefix).events), progress.signal);
  const connections = await activeConnections(db);
  await sendingEvents(context, 'replay', { 'notion_mirror.replay_id': replay.id }, async ({ send, trace }) => {
    for (let at = progress.counts['handled'] ?? 0; at < targets.length; at += atOnce) {
      progress.signal.throwIfAborted();
      const some = targets.slice(at, at + atOnce);
      const events = some.flatMap((target) => {
        const connection = connections.get(target.workspaceId);
        if (connection === undefined) return [];
        const links = target.trace === undefined ? [] : [{ trace: target.trace }];
        return [{ event: eventOf({ replayId: replay.id, trace }, target, connection, new Date()), links }];
      });
      await Promise.all(events.map(({ event, links }) => send(event, { links })));
      progress.count({ handled: some.length, appended: events.length, withoutConnection: some.length - events.length });
    }
  });
}

function eventOf(
  { replayId, trace }: { readonly replayId: string; readonly trace: string },
  { databaseId, dataSourceId, pageId }: Target,
  connection: Connection,
  now: Date,
): DatabaseEvent {
  const eventId = `replay:${replayId}:${pageId ?? dataSourceId ?? databaseId}`;
  return syncEventFor(connection, { eventId, type: 'mirror.replay', databaseId, dataSourceId, pageId, origin: 'operator', trace }, now);
}
