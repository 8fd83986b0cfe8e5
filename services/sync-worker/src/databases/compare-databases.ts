import type { Connection } from '@notion-mirror/domain/connection';
import { databaseKind } from '@notion-mirror/domain/entities/database';
import { isSameAnswer, type HeldAnswers, type HeldDatabase, type HeldDatabases } from '@notion-mirror/mirror-store/entities/held-databases';
import { SearchError } from '@notion-mirror/notion-source/data-source-search';
import type { FoundDataSource } from '@notion-mirror/notion-source/database-document';
import type { NotionSource } from '@notion-mirror/notion-source/notion-source';
import type { Clock } from '@notion-mirror/service-kit/async/clock';
import { SweepError } from '../sweep/sweep-error.ts';
import type { Comparison, SweepTools } from '../sweep/sweep-tools.ts';
import { compareHeld } from './held-comparison.ts';

export interface DatabaseComparisonDependencies extends Clock {
  readonly notion: Pick<NotionSource, 'searchDataSources' | 'lookAtDatabase' | 'lookAtDataSource'>;
  readonly held: HeldDatabases;
}

/**
 * Compares a tenant's databases by Notion's search and, at full depth, each mirrored database individually, because search lists only data
 * sources, with a delay.
 *
 * A failed search does not stop the rest: the results of the other connections count, and each mirrored data source that no search has shown is
 * compared individually.
 */
export async function compareDatabases(deps: DatabaseComparisonDependencies, tools: SweepTools): Promise<Comparison> {
  const { workspaceId, signal } = tools;
  const held = new Map((await deps.held.list(workspaceId)).map((database) => [database.databaseId, database]));
  const holders = new Map([...held.values()].flatMap(({ databaseId, searchable }) => searchable.map((id) => [id, databaseId] as const)));
  const shown = new Set<string>();
  const unread = new Set<string>();
  const isUnread = ({ connectionId }: Connection): boolean => unread.has(connectionId);

  function databaseOf({ databaseId, dataSourceId }: FoundDataSource): string | null {
    return databaseId ?? holders.get(dataSourceId) ?? null;
  }

  async function searchAndCompare(connection: Connection): Promise<void> {
    const { connectionId } = connection;
    try {
      const search = deps.notion.searchDataSources(connection, signal, tools.traceOfNext);
      for await (const found of search) await compareFound(found, connection);
    } catch (error) {
      if (!(error instanceof SearchError)) throw error;
      signal.throwIfAborted();
      unread.add(connectionId);
      tools.searchFailed(connectionId, error.message);
    }
  }

  async function compareFound(found: readonly FoundDataSource[], connection: Connection): Promise<void> {
    const { connectionId } = connection;
    const ids = found.map(databaseOf).filter((id) => id !== null);
    const answers = await deps.held.answers(workspaceId, [...new Set(ids)]);
    for (const source of found) {
      const { dataSourceId } = source;
      shown.add(dataSourceId);
      const databaseId = databaseOf(source);
      const answer = databaseId === null ? undefined : answers.get(databaseId);
      if (databaseId === null) await tools.sync('missing', { databaseId: null, pageId: null, dataSourceId }, connectionId);
      else if (answer === undefined) await tools.sync('missing', databaseKind.targetOf(databaseId), connectionId);
      else if (isSeenBy(held.get(databaseId), connection) && isNews(source, answer)) {
        await tools.sync('source_changed', databaseKind.targetOf(databaseId), connectionId);
      }
    }
  }

  /** A document shows the view of one connection. Another connection may see other data sources, which is no change. */
  function isSeenBy(database: HeldDatabase | undefined, { connectionId }: Connection): boolean {
    const seenBy = tools.connections().find((connection) => connection.connectionId === database?.connectionId);
    return seenBy === undefined || seenBy.connectionId === connectionId;
  }

  /** Appends an event for each mirrored database that differs. Resolves to the databases that no longer exist in Notion. */
  async function compareMirrored(): Promise<Comparison['gone']> {
    const gone: Comparison['gone'][number][] = [];
    const left = [...held.values()].filter(({ databaseId }) => !tools.isSynced(databaseKind.targetOf(databaseId)));
    const active = tools.connections();
    /** Absence counts only in a search read to its end: that of the connection that last fetched the database, or the searches of all. */
    const provesAbsence = (database: HeldDatabase): boolean => {
      const seenBy = active.filter(({ connectionId }) => connectionId === database.connectionId);
      return !(seenBy.length > 0 ? seenBy : active).some(isUnread);
    };
    const hasAnswered = shown.size > 0 || !active.every(isUnread);
    const comparison = compareHeld(
      { ...deps, workspaceId, traceOfNext: tools.traceOfNext, shown, provesAbsence, hasAnswered },
      left,
      signal,
    );
    for await (const { databaseId, connectionId, finding } of comparison) {
      const target = databaseKind.targetOf(databaseId);
      switch (finding.kind) {
        case 'differs':
          await tools.sync(finding.reason, target, connectionId);
          break;
        case 'gone':
          gone.push({ target, seenBy: connectionId });
          break;
        case 'uncompared':
          tools.leave(target, finding.because);
          break;
        case 'no_active_connection':
          throw new SweepError('no connection of the tenant is active');
        case 'no_answer':
          throw new SweepError(`Notion does not answer: ${finding.because}`);
      }
    }
    return gone;
  }

  // In parallel, so that a search that is slow to fail does not delay the others.
  const searches = await Promise.allSettled(tools.connections().map(searchAndCompare));
  for (const search of searches) if (search.status === 'rejected') throw search.reason;
  const gone = tools.depth === 'full' ? await compareMirrored() : [];
  return { held: held.size, found: shown.size, gone };
}

/** Search lags behind, so its result may be older than the mirror. */
function isNews(source: FoundDataSource, answers: HeldAnswers): boolean {
  const held = answers.dataSources.get(source.dataSourceId);
  if (held === undefined) return true;
  const heldTime = typeof held['last_edited_time'] === 'string' ? new Date(held['last_edited_time']) : null;
  if (source.lastEditedTime !== null && heldTime !== null && source.lastEditedTime < heldTime) return false;
  return !isSameAnswer(held, source.raw);
}
