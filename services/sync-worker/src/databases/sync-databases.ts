import type { DatabaseContent } from '@notion-mirror/domain/database-content';
import { databaseKind } from '@notion-mirror/domain/entities/database';
import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import { accessibleByOf } from '@notion-mirror/event-log/event-record';
import type { Work } from '@notion-mirror/event-log/lanes/work';
import { databaseStorage, type DatabaseOutline } from '@notion-mirror/mirror-store/entities/database';
import type { DatabasesListing } from '@notion-mirror/mirror-store/entities/database-sources';
import type { NotionSource } from '@notion-mirror/notion-source/notion-source';
import type { StaleAnswers } from '../consume/stale-answers.ts';
import { isUnfinished, settledBy, syncEntity, type SyncDependencies, type SyncedWork, type SyncTarget } from '../consume/sync-entity.ts';
import { settleContestedSources } from './contested-sources.ts';
import { sourcesIn, syncDataSource, type DatabaseResult, type DataSourceResult } from './sync-data-source.ts';

export interface DatabaseSyncDependencies extends Pick<
  SyncDependencies<DatabaseContent, DatabaseOutline>,
  'records' | 'toleranceMs' | 'now'
> {
  readonly databasesListing: DatabasesListing;
  readonly notion: Pick<NotionSource, 'fetchDatabase' | 'databaseOfDataSource'>;
  readonly staleAnswers: StaleAnswers;
  readonly followed: FollowedDatabases;
}

/** The databases whose data sources the mirror keeps the rows of. All reject with the store's or the log's errors. */
export interface FollowedDatabases {
  /** To be called after each sync of a database, whatever it found: makes what is kept of its data sources agree with its record. */
  follow(event: DatabaseEvent, databaseId: string): Promise<void>;
  /** The database that a data source was in when a database was last followed; null: unknown. */
  holderOf(workspaceId: string, dataSourceId: string): Promise<string | null>;
}

export interface DatabaseSync {
  /** Brings up to date the database named by events, and the databases that contain or contained the data sources of events. */
  readonly sync: (work: Work<DatabaseEvent>, newest: DatabaseEvent) => Promise<SyncedWork>;
  /** The same for one database. */
  readonly syncOne: (target: Omit<SyncTarget, 'hint'>, signal: AbortSignal) => Promise<DatabaseResult>;
}

/** Both functions reject with the errors of the store and the log, or the signal's reason. */
export function createDatabaseSync(deps: DatabaseSyncDependencies): DatabaseSync {
  const { databasesListing, notion, staleAnswers, followed } = deps;
  const syncDepsFor = (event: DatabaseEvent): SyncDependencies<DatabaseContent, DatabaseOutline> => ({
    ...deps,
    storage: databaseStorage,
    fetch: async ({ id, before, ...asking }, signal) => {
      const fetched = await notion.fetchDatabase({ ...asking, databaseId: id, expected: before?.dataSourceIds }, signal);
      return (fetched.kind === 'live' ? staleAnswers.readAgain(event, id, editsOf(fetched.content)) : null) ?? fetched;
    },
    editsOf,
  });

  return {
    async sync(work, newest) {
      const done = new Set<string>();
      const result = await run(work, newest, done);
      // Otherwise the whole task is repeated. The database synced last comes first: it is the one that a data source was moved to.
      if (result.kind !== 'retry' && result.kind !== 'no_active_connection') await followAll(work, newest, done);
      return settledByAll(result);
    },
    async syncOne(target, signal) {
      const result = await syncEntity(syncDepsFor(target.event), { ...target, hint: false }, signal);
      if (!isUnfinished(result)) await followed.follow(target.event, target.id);
      return result;
    },
  };

  /** Those that were synced, and those that held the data sources of the events: an earlier attempt may have ended after it synced them. */
  async function followAll(work: Work<DatabaseEvent>, newest: DatabaseEvent, synced: ReadonlySet<string>): Promise<void> {
    const dataSourceIds = new Set(work.items.flatMap(({ item }) => item.dataSourceId ?? []));
    const databaseIds = new Set([...synced].toReversed());
    for (const databaseId of databaseIds) await followed.follow(newest, databaseId);
    for (const dataSourceId of dataSourceIds) {
      const holder = await followed.holderOf(newest.workspaceId, dataSourceId);
      if (holder !== null && !databaseIds.has(holder)) await followed.follow(newest, holder);
    }
  }

  /** Adds the databases that it synced to `synced`. */
  async function run(work: Work<DatabaseEvent>, newest: DatabaseEvent, synced: Set<string>): Promise<DatabaseResult | DataSourceResult> {
    const { workspaceId, databaseId } = newest;
    const { attempt, signal } = work;
    const accessibleBy = [...new Set(work.items.flatMap(({ record }) => accessibleByOf(record)))];
    const done = new Map<string, DatabaseResult>();
    const syncDeps = syncDepsFor(newest);
    const sync = async (id: string, hint: boolean): Promise<DatabaseResult> => {
      const known = done.get(id);
      if (known !== undefined) return known;
      const result = await syncEntity(syncDeps, { workspaceId, id, hint, event: newest, accessibleBy, attempt }, signal);
      note(id, result);
      done.set(id, result);
      if (result.kind !== 'written') return result;
      const gained = result.outline.dataSourceIds.filter((source) => result.before?.dataSourceIds.includes(source) !== true);
      return (await settleContestedSources({ databasesListing, syncNow }, workspaceId, id, gained)) ?? result;
    };
    const syncNow = async (id: string): Promise<DatabaseResult> => {
      const event = { ...newest, receivedAt: new Date(deps.now()) };
      const result = await syncEntity(syncDeps, { workspaceId, id, hint: true, event, accessibleBy, attempt }, signal);
      note(id, result);
      return result;
    };
    const note = (id: string, result: DatabaseResult): void => {
      if (!isUnfinished(result) && result.kind !== 'unknown') synced.add(id);
    };
    let result: DatabaseResult | DataSourceResult = { kind: 'not_found' };
    if (databaseId !== null && work.items.some(({ item }) => item.dataSourceId === null)) {
      result = await sync(databaseId, false);
      if (isUnfinished(result)) return result;
    }
    for (const event of distinctDataSources(work.items.map(({ item }) => item))) {
      const found = await syncDataSource({ databasesListing, notion, sync }, event, { accessibleBy, attempt, signal, trace: newest.trace });
      if (isUnfinished(found)) return found;
      if (result.kind === 'not_found') result = found;
    }
    return result;
  }
}

function editsOf({ lastEditedTime, dataSources }: DatabaseContent): (Date | null)[] {
  return [lastEditedTime, ...dataSources.map((source) => ('accessible' in source ? null : source.lastEditedTime))];
}

function settledByAll(result: DatabaseResult | DataSourceResult): SyncedWork {
  if (result.kind === 'not_found') return settledBy(databaseKind, { kind: 'unknown' }, 1);
  if (result.kind !== 'synced') return settledBy(databaseKind, result, callsOf(result));
  const { results } = result;
  // The event's outcome is that of a written database, else of a removed one, else of a skipped one.
  const best = (['written', 'removed', 'skipped'] as const).flatMap((kind) => results.filter((one) => one.kind === kind))[0];
  const calls = results.reduce((sum, one) => sum + callsOf(one), 0);
  return best === undefined ? { kind: 'settled', outcome: 'skipped', trail: null, calls } : settledBy(databaseKind, best, calls);
}

/** The number of calls of a fetch: one for the container, and one for each data source that it lists. */
function callsOf(result: DatabaseResult): number {
  return 1 + sourcesIn(result).length;
}

/** The newest event of each data source; a move takes precedence, since it concerns two databases. */
function distinctDataSources(events: readonly DatabaseEvent[]): (DatabaseEvent & { dataSourceId: string })[] {
  const latest = new Map<string, DatabaseEvent & { dataSourceId: string }>();
  for (const event of events) {
    const { dataSourceId } = event;
    if (dataSourceId === null || latest.get(dataSourceId)?.type === 'data_source.moved') continue;
    latest.set(dataSourceId, { ...event, dataSourceId });
  }
  return [...latest.values()];
}
