import type { DatabaseContent } from '@notion-mirror/domain/database-content';
import { databaseKind } from '@notion-mirror/domain/entities/database';
import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import { accessibleByOf } from '@notion-mirror/event-log/event-record';
import type { Work } from '@notion-mirror/event-log/lanes/work';
import { databaseStorage, type DatabaseOutline } from '@notion-mirror/mirror-store/entities/database';
import type { DatabasesListing } from '@notion-mirror/mirror-store/entities/database-sources';
import type { NotionSource } from '@notion-mirror/notion-source/notion-source';
import { isUnfinished, settledBy, syncEntity, type SyncDependencies, type SyncedWork } from '../consume/sync-entity.ts';
import { settleContestedSources } from './contested-sources.ts';
import { sourcesIn, syncDataSource, type DatabaseResult, type DataSourceResult } from './sync-data-source.ts';

export interface DatabaseSyncDependencies extends Pick<
  SyncDependencies<DatabaseContent, DatabaseOutline>,
  'records' | 'toleranceMs' | 'now'
> {
  readonly databasesListing: DatabasesListing;
  readonly notion: Pick<NotionSource, 'fetchDatabase' | 'databaseOfDataSource'>;
}

/** Brings up to date the database named by events, and the databases that contain or contained the data sources of events. */
export function createDatabaseSync(
  deps: DatabaseSyncDependencies,
): (work: Work<DatabaseEvent>, newest: DatabaseEvent) => Promise<SyncedWork> {
  const { databasesListing, notion } = deps;
  const syncDeps: SyncDependencies<DatabaseContent, DatabaseOutline> = {
    ...deps,
    storage: databaseStorage,
    fetch: ({ id, before, ...asking }, signal) =>
      notion.fetchDatabase({ ...asking, databaseId: id, expected: before?.dataSourceIds }, signal),
    editsOf: ({ lastEditedTime, dataSources }) => [
      lastEditedTime,
      ...dataSources.map((source) => ('accessible' in source ? null : source.lastEditedTime)),
    ],
  };

  return async (work, newest) => settledByAll(await run(work, newest));

  async function run(work: Work<DatabaseEvent>, newest: DatabaseEvent): Promise<DatabaseResult | DataSourceResult> {
    const { workspaceId, databaseId } = newest;
    const { attempt, signal } = work;
    const accessibleBy = [...new Set(work.items.flatMap(({ record }) => accessibleByOf(record)))];
    const done = new Map<string, DatabaseResult>();
    const sync = async (id: string, hint: boolean): Promise<DatabaseResult> => {
      const known = done.get(id);
      if (known !== undefined) return known;
      const synced = await syncEntity(syncDeps, { workspaceId, id, hint, event: newest, accessibleBy, attempt }, signal);
      done.set(id, synced);
      if (synced.kind !== 'written') return synced;
      const gained = synced.outline.dataSourceIds.filter((source) => synced.before?.dataSourceIds.includes(source) !== true);
      return (await settleContestedSources({ databasesListing, syncNow }, workspaceId, id, gained)) ?? synced;
    };
    const syncNow = (id: string): Promise<DatabaseResult> => {
      const event = { ...newest, receivedAt: new Date(deps.now()) };
      return syncEntity(syncDeps, { workspaceId, id, hint: true, event, accessibleBy, attempt }, signal);
    };
    let result: DatabaseResult | DataSourceResult = { kind: 'not_found' };
    if (databaseId !== null && work.items.some(({ item }) => item.dataSourceId === null)) {
      result = await sync(databaseId, false);
      if (isUnfinished(result)) return result;
    }
    for (const event of distinctDataSources(work.items.map(({ item }) => item))) {
      const found = await syncDataSource({ databasesListing, notion, sync }, event, { accessibleBy, attempt, signal });
      if (isUnfinished(found)) return found;
      if (result.kind === 'not_found') result = found;
    }
    return result;
  }
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
