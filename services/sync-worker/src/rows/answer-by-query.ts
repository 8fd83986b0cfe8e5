import { applyQueried, type QueryWrite } from '@notion-mirror/domain/apply-query';
import type { Connection } from '@notion-mirror/domain/connection';
import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import type { RowContent } from '@notion-mirror/domain/entities/row';
import { asOfQuery, isSettledByQuery, type QueryTimes } from '@notion-mirror/domain/query-rule';
import { nextRev } from '@notion-mirror/domain/write-rule';
import type { DataSourceRef } from '@notion-mirror/mirror-store/data-source-contents';
import { digestOfRow, type DigestedRecord, type RowRecords } from '@notion-mirror/mirror-store/entities/row-records';
import type { RowOutline } from '@notion-mirror/mirror-store/entities/row';
import type { RecordStore } from '@notion-mirror/mirror-store/records/record-store';
import type { NotionSource } from '@notion-mirror/notion-source/notion-source';
import type { FoundRow } from '@notion-mirror/notion-source/row-document';
import { RowQueryError } from '@notion-mirror/notion-source/row-query';
import type { Dependents } from '@notion-mirror/worker/dependents';
import { editedRows, startOfMinute } from './edited-rows.ts';
import type { RowParents } from './row-parents.ts';
import { hopOf } from './second-reads.ts';

export interface QueryDependencies extends Pick<QueryTimes, 'lagMs' | 'toleranceMs'> {
  readonly notion: Pick<NotionSource, 'queryEditedRows'>;
  readonly rowRecords: Pick<RowRecords, 'read'>;
  readonly records: Pick<RecordStore<RowContent, RowOutline>, 'writeLive'>;
  readonly parents: Pick<RowParents, 'has' | 'isOff' | 'problemOf'>;
  readonly dependents: Pick<Dependents, 'followAll'>;
}

/**
 * What a query did for a row.
 * - `settled`: its events that `query` settles are answered. `record`: afterwards.
 * - `recent`: its record was written so recently that another query could answer them only from `at` on (epoch ms).
 */
export type RowAnswer =
  | {
      readonly kind: 'settled';
      readonly outcome: 'written' | 'skipped';
      readonly query: QueryTimes;
      readonly record: { readonly rev: number; readonly asOf: number };
    }
  | { readonly kind: 'recent'; readonly at: number };

/** The waiting events of rows of a data source, by page id. */
export interface RowsToAnswer extends DataSourceRef {
  readonly connection: Connection;
  readonly events: ReadonlyMap<string, readonly DatabaseEvent[]>;
  /** The context of their handling. */
  readonly trace?: string | undefined;
}

const minuteMs = 60_000;
/** A query that takes more calls than this part of the single reads is given up: too many other rows were edited. */
const callsPerRow = 1 / 4;
const fewestCalls = 4;

/**
 * Answers events of rows by a query of what was edited since the oldest of them, under the rule for queries (`docs/rows.md`). Rows without an answer are
 * to be read singly: the query does not return them, returns them in the trash or with a value cut off, has failed, or they are written by others at the same
 * time. Rejects with the store's errors or the signal's reason.
 */
export async function answerByQuery(
  deps: QueryDependencies,
  order: RowsToAnswer,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, RowAnswer>> {
  const { workspaceId, dataSourceId, connection, events } = order;
  const answers = new Map<string, RowAnswer>();
  const { parents, dependents } = deps;
  // Otherwise each row's single read finds out where it belongs.
  if (!(await parents.has(workspaceId, dataSourceId)) || (await parents.isOff(workspaceId, dataSourceId))) return answers;
  let isFollowed = false;
  const oldest = [...events.values()]
    .flat()
    .reduce((first, { occurredAt }) => Math.min(first, occurredAt.getTime()), Number.POSITIVE_INFINITY);
  const since = startOfMinute(oldest) - minuteMs;
  const mostCalls = Math.max(fewestCalls, Math.ceil(events.size * callsPerRow));
  const ask = deps.notion.queryEditedRows(connection, dataSourceId, signal, () => order.trace);
  try {
    for await (const { startedAt, rows } of editedRows(ask, { partition: 'live', since, mostCalls })) {
      signal.throwIfAborted();
      await answerPage({ startedAt, lagMs: deps.lagMs, toleranceMs: deps.toleranceMs }, rows);
      if (answers.size === events.size) break;
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof RowQueryError)) throw error;
  }
  return answers;

  async function answerPage(query: QueryTimes, returned: readonly FoundRow[]): Promise<void> {
    const newest = (id: string): DatabaseEvent | null => {
      const settled = (events.get(id) ?? []).filter(({ receivedAt }) => isSettledByQuery(query, { receivedAt: receivedAt.getTime() }));
      return settled.reduce<DatabaseEvent | null>((a, b) => (a === null || b.receivedAt >= a.receivedAt ? b : a), null);
    };
    // A row that was edited meanwhile comes again, and has another event for that.
    const isOpen = ({ id, isCut }: FoundRow) => !isCut && newest(id) !== null && answers.get(id)?.kind !== 'settled';
    const rows = new Map(returned.filter(isOpen).map((row) => [row.id, row]));
    let records: ReadonlyMap<string, DigestedRecord> = new Map();
    const outcomes = await applyQueried(
      {
        awaited(id) {
          const event = newest(id);
          return event && { occurredAt: event.occurredAt.getTime(), receivedAt: event.receivedAt.getTime() };
        },
        async read(ids) {
          records = await deps.rowRecords.read(workspaceId, ids);
          return records;
        },
        isSame,
        async write(writes) {
          await followChanges(writes);
          return Promise.all(
            writes.map(({ record, row: { id, content }, asOf }) => {
              const event = newest(id);
              return deps.records.writeLive({
                workspaceId,
                id,
                expected: record,
                content,
                connectionId: connection.connectionId,
                asOf: new Date(asOf),
                lastEvent: event && { id: event.eventId, type: event.type, occurredAt: event.occurredAt },
                seenBy: 'query',
                trace: event?.trace,
              });
            }),
          );
        },
        // They keep waiting, for their own reads.
        readSingly: () => Promise.resolve(),
      },
      { ...query, rows: [...rows.values()], absent: [] },
    );
    const inserted = new Map<string, RowAnswer>();
    for (const { id, decision, written } of outcomes) {
      const record = records.get(id) ?? null;
      if (decision === 'keep' && record !== null) answers.set(id, { kind: 'settled', outcome: 'skipped', query, record });
      else if (written?.kind === 'written') {
        const after = { rev: nextRev(record), asOf: asOfQuery(query) };
        (isThere(record) ? answers : inserted).set(id, { kind: 'settled', outcome: 'written', query, record: after });
      } else if (decision === 'read_singly' && record !== null && rows.get(id)?.isInTrash === false) {
        const at = record.syncedAt + deps.lagMs + deps.toleranceMs + 1;
        if (at > query.startedAt) answers.set(id, { kind: 'recent', at });
      }
    }
    // The removal of a data source removes the rows that it finds, so the parent of those inserted meanwhile is checked again.
    const [one] = inserted.keys();
    const parent = one === undefined ? undefined : rows.get(one)?.content;
    const event = one === undefined ? null : newest(one);
    if (parent === undefined || event === null) return;
    const problem = await parents.problemOf(parent, { event, accessibleBy: [], attempt: 1 }, signal);
    if (problem === null) for (const [id, answer] of inserted) answers.set(id, answer);
  }

  function isThere(record: DigestedRecord | null): boolean {
    return record?.live === true && record.dataSourceId === dataSourceId;
  }

  /** Before the first of them is written: otherwise a crash in between would leave the rows that depend on them as they are. */
  async function followChanges(writes: readonly QueryWrite<DigestedRecord, FoundRow>[]): Promise<void> {
    if (isFollowed || writes.every(({ record, row }) => record !== null && isSame(record, row))) return;
    const hop = Math.min(...writes.flatMap(({ row: { id } }) => (events.get(id) ?? []).map(hopOf)));
    await dependents.followAll(workspaceId, dataSourceId, hop);
    isFollowed = true;
  }
}

function isSame({ digest, isListed }: DigestedRecord, { content }: FoundRow): boolean {
  // To list a row that was hidden, it is written.
  return isListed !== false && digest === digestOfRow(content);
}
