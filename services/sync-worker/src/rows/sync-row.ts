import type { RowContent } from '@notion-mirror/domain/entities/row';
import { rowKind } from '@notion-mirror/domain/entities/row';
import { nextRev } from '@notion-mirror/domain/write-rule';
import { accessibleByOf } from '@notion-mirror/event-log/event-record';
import { rowStorage, type RowOutline } from '@notion-mirror/mirror-store/entities/row';
import type { MirroredDocuments } from '@notion-mirror/mirror-store/records/mirrored-documents';
import type { NotionSource } from '@notion-mirror/notion-source/notion-source';
import type { Dependents } from '@notion-mirror/worker/dependents';
import type { StaleAnswers } from '../consume/stale-answers.ts';
import { settledBy, syncEntity, type Fetched, type FetchOrder, type SyncDependencies, type SyncResult } from '../consume/sync-entity.ts';
import { ignored } from './ignored.ts';
import { changeOf, type RowBefore } from './row-change.ts';
import { hopOf, type RowSync } from './second-reads.ts';
import { removeRow } from './remove-row.ts';
import type { RowParent, RowParents, RowTarget } from './row-parents.ts';

export interface RowSyncDependencies extends Pick<SyncDependencies<RowContent, RowOutline>, 'records' | 'toleranceMs' | 'now'> {
  readonly notion: Pick<NotionSource, 'fetchRow'>;
  readonly parents: RowParents;
  readonly staleAnswers: StaleAnswers;
  readonly dependents: Pick<Dependents, 'existFor' | 'follow'>;
  readonly documents: Pick<MirroredDocuments, 'read'>;
}

type RowResult = SyncResult<RowOutline>;

/** Brings the row named by the events of a task up to date. Rejects with the errors of the store and the log, or the signal's reason. */
export function createRowSync(deps: RowSyncDependencies): RowSync {
  const { notion, parents, staleAnswers, dependents, documents } = deps;

  /** A single read does not show whether queries list the row. */
  const records: RowSyncDependencies['records'] = {
    ...deps.records,
    writeLive(write) {
      const { expected, content } = write;
      const isHidden = expected?.isListed === false && expected.dataSourceId === content.dataSourceId;
      return deps.records.writeLive(isHidden ? { ...write, isListed: false } : write);
    },
  };

  return async (work, newest, pageId) => {
    const { attempt, signal } = work;
    const accessibleBy = [...new Set(work.items.flatMap(({ record }) => accessibleByOf(record)))];
    const target: RowTarget = { event: newest, accessibleBy, attempt };
    const { workspaceId, dataSourceId } = newest;
    if (dataSourceId !== null && (await parents.isOff(workspaceId, dataSourceId))) return ignored('rows_off');
    const hop = Math.min(...work.items.map(({ item }) => hopOf(item)));
    const result = await syncEntity(
      {
        ...deps,
        records,
        storage: rowStorage,
        fetch: async (order) => {
          const [fetched, before] = await Promise.all([fetch(target, order, signal), shownBefore(order)]);
          const change = changeOf(order, before, fetched);
          // Before the row is written: otherwise a crash in between would leave the others as they are.
          if (change !== null) await dependents.follow(newest, { ...change, hop });
          return fetched;
        },
        seenBy: 'page',
        editsOf: ({ lastEditedTime }) => [lastEditedTime],
      },
      { workspaceId, id: pageId, hint: false, ...target },
      signal,
    );
    return settledBy(rowKind, await withParent(result, target, pageId, signal), 1);
  };

  async function shownBefore({ workspaceId, id, before: record }: FetchOrder<RowOutline>): Promise<RowBefore> {
    const dataSourceId = record?.dataSourceId ?? null;
    if (record?.live !== true || dataSourceId === null || !(await dependents.existFor(workspaceId, dataSourceId)))
      return { record, fields: null };
    return { record, fields: (await documents.read({ workspaceId, id }))?.fields ?? null };
  }

  async function fetch(target: RowTarget, order: FetchOrder<RowOutline>, signal: AbortSignal): Promise<Fetched<RowContent>> {
    const { event } = target;
    const { id: pageId } = order;
    const { workspaceId, dataSourceId } = event;
    // Mostly the parent that the webhook names is still right, and the mirror has it.
    const [fetched, isHeld] = await Promise.all([
      notion.fetchRow({ ...order, pageId }, signal),
      dataSourceId === null ? false : parents.has(workspaceId, dataSourceId),
    ]);
    switch (fetched.kind) {
      case 'live': {
        const { content } = fetched;
        const again = staleAnswers.readAgain(event, pageId, [content.lastEditedTime]);
        if (again !== null) return again;
        if (isHeld && content.dataSourceId === dataSourceId) return fetched;
        return (await parents.problemOf(content, target, signal)) ?? fetched;
      }
      case 'moved_away':
        return { kind: 'removed', reason: 'moved_away', source: 'fetch' };
      case 'inaccessible':
        return (event.type === 'page.created' ? staleAnswers.readAgain(event, pageId, []) : null) ?? fetched;
      case 'trashed':
      case 'no_active_connection':
      case 'retry':
      case 'failed':
        return fetched;
    }
  }

  /**
   * The removal of a data source removes the rows that it finds. One that is inserted meanwhile may come too late for that, and its parent may have gone
   * after it was checked: so it is checked again after the insertion. Also if the event is skipped, since an earlier attempt may have ended in between.
   */
  async function withParent(result: RowResult, target: RowTarget, pageId: string, signal: AbortSignal): Promise<RowResult> {
    const parent = newParentIn(result);
    if (parent === null) return result;
    const { workspaceId, eventId, trace } = target.event;
    const problem = await parents.problemOf(parent, target, signal);
    if (problem === null) return result;
    if (problem.kind !== 'removed') return problem;
    const { reason } = problem;
    const { dataSourceId } = parent;
    const removal = await removeRow(deps, { workspaceId, dataSourceId, pageId }, { reason, eventId, trace }, signal);
    switch (removal.kind) {
      case 'not_there':
        return result;
      case 'rejected':
        return { kind: 'unwritable', message: removal.message };
      case 'removed': {
        const { before, asOf } = removal;
        const trail = 'trail' in result ? result.trail : { fetch: null, isUnannounced: false };
        return { kind: 'removed', reason, trail: { ...trail, record: { databaseId: null, pageId, rev: nextRev(before), asOf, ms: null } } };
      }
    }
  }
}

/** The parent that a row has only just got; null: it had it before, or is not live. */
function newParentIn(result: RowResult): RowParent | null {
  if (result.kind === 'written') {
    const { before, outline } = result;
    return before?.live === true && before.dataSourceId === outline.dataSourceId ? null : parentIn(outline);
  }
  return result.kind === 'skipped' && result.before?.live === true ? parentIn(result.before) : null;
}

function parentIn({ databaseId, dataSourceId }: RowOutline): RowParent | null {
  return databaseId === null || dataSourceId === null ? null : { databaseId, dataSourceId };
}
