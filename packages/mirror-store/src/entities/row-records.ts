import type { RowContent } from '@notion-mirror/domain/entities/row';
import { keyOf, refOf } from '@notion-mirror/domain/entity';
import type { RowRange } from '@notion-mirror/domain/row-scan';
import type { Db, Document } from 'mongodb';
import type { DataSourceRef } from '../data-source-contents.ts';
import { orUnavailable } from '../errors.ts';
import { contentDigest } from '../records/content-digest.ts';
import { bookkeepingFields, openRecords, toStoredRecord, type RecordDocument, type StoredRecord } from '../records/record-document.ts';
import { UnstorableError } from '../records/storable.ts';
import { rowStorage, type RowOutline } from './row.ts';
import { ofTenant } from '../records/of-tenant.ts';

/** A live row, as far as a scan needs it. */
export interface DigestedRow {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly createdTime: number;
  /** The connection of the last fetch; null: unknown. */
  readonly connectionId: string | null;
  readonly digest: string;
  /** When the fetch began that saw it, milliseconds since the epoch. */
  readonly asOf: number;
  /** No query lists it, as a template page. Absent: it is listed. */
  readonly isListed?: false;
}

/** `digest`: null for a tombstone. */
export type DigestedRecord = StoredRecord<RowOutline> & { readonly digest: string | null };

/**
 * The mirror's rows for a comparison with those that queries return: a row equals a record if their digests are equal. Read-only. All reject with
 * a `StoreUnavailableError` when MongoDB is unavailable.
 */
export interface RowRecords {
  /**
   * The live rows of the range, in order of created time. A row without one is left out: Notion returns every row with one, so the mirror has none
   * unless a page object once lacked it. A scan then neither counts nor removes that row, and writes it again when a query returns it.
   *
   * Reads some rows at a time, as they are iterated: no cursor waits for Notion, and a row that was written meanwhile is returned as it is then.
   */
  live(source: DataSourceRef, range: RowRange): AsyncGenerator<DigestedRow, void, undefined>;
  /** The existing records of the rows, by id. Rejects when this program did not write one of them in this form. */
  read(workspaceId: string, ids: readonly string[]): Promise<ReadonlyMap<string, DigestedRecord>>;
  /** Listed rows. */
  count(source: DataSourceRef): Promise<{ readonly live: number; readonly archived: number }>;
  /** Whether a row of the data source was removed at that time or later. */
  hasRemovedSince(source: DataSourceRef, since: Date): Promise<boolean>;
}

const rowsAtOnce = 500;
const order = { workspaceId: 1, dataSourceId: 1, isArchived: 1, createdTime: 1, pageId: 1 } as const;
/** No date is outside of them. BSON sorts null before every date. */
const [beginning, ending] = [new Date(-8_640_000_000_000_000), new Date(8_640_000_000_000_000)];

export function openRowRecords(db: Db): RowRecords {
  const records = openRecords(db, rowStorage);

  return {
    async *live({ workspaceId, dataSourceId }, { partition, from, until }) {
      const isArchived = partition === 'archived';
      const prefix = { workspaceId, dataSourceId, isArchived };
      const end = { ...prefix, createdTime: until === null ? ending : new Date(until), pageId: '' };
      let after: { readonly createdTime: Date; readonly pageId: string } | null = null;
      for (;;) {
        const start: Document = { ...prefix, ...(after ?? { createdTime: from === null ? beginning : new Date(from), pageId: '' }) };
        const rows = await orUnavailable('rows could not be read', async () => {
          const found: DigestedRow[] = [];
          // One more than wanted, since the last row of the batch before comes again.
          const some = records.find(
            { ...prefix, ...ofTenant(workspaceId) },
            { limit: rowsAtOnce + 1, sort: order, hint: 'by_data_source', min: start, max: end },
          );
          for await (const document of some) {
            const row = digestedRow(document);
            if (row.id !== after?.pageId) found.push(row);
          }
          return found;
        });
        yield* rows;
        const last = rows.at(-1);
        if (last === undefined || rows.length < rowsAtOnce) return;
        after = { createdTime: new Date(last.createdTime), pageId: last.id };
      }
    },

    async read(workspaceId, ids) {
      const _id = { $in: ids.map((id) => keyOf({ workspaceId, id })) };
      const found = new Map<string, DigestedRecord>();
      const documents = await orUnavailable('records could not be read', () => records.find({ _id }).toArray());
      for (const document of documents) {
        const record = toStoredRecord(rowStorage, document);
        found.set(refOf(document._id)?.id ?? '', { ...record, digest: record.live ? digestOfDocument(document) : null });
      }
      return found;
    },

    count: ({ workspaceId, dataSourceId }) =>
      orUnavailable('rows could not be counted', async () => {
        const rows = { ...ofTenant(workspaceId), dataSourceId, ...rowStorage.viewFilter };
        return {
          live: await records.countDocuments({ ...rows, isArchived: false }),
          archived: await records.countDocuments({ ...rows, isArchived: true }),
        };
      }),

    hasRemovedSince: ({ workspaceId, dataSourceId }, since) =>
      orUnavailable('tombstones could not be read', async () => {
        const found = await records.findOne(
          { ...ofTenant(workspaceId), dataSourceId, 'removed.at': { $gte: since } },
          { projection: { _id: 1 } },
        );
        return found !== null;
      }),
  };
}

/** Null: MongoDB can never store it. */
export function digestOfRow(content: RowContent): string | null {
  try {
    return contentDigest(rowStorage.contentFields(content));
  } catch (error) {
    if (error instanceof UnstorableError) return null;
    throw error;
  }
}

/** The index holds dates only, in the range that is read. */
function digestedRow(document: RecordDocument): DigestedRow {
  const { _id, createdTime, connectionId, asOf, isListed } = document;
  return {
    id: refOf(_id)?.id ?? '',
    createdTime: (createdTime as Date).getTime(),
    connectionId: typeof connectionId === 'string' ? connectionId : null,
    digest: digestOfDocument(document),
    asOf: (asOf as Date).getTime(),
    ...(isListed === false ? { isListed } : {}),
  };
}

const ours: ReadonlySet<string> = new Set([...bookkeepingFields, 'workspaceId', rowStorage.kind.idField]);

function digestOfDocument(document: Document): string {
  return contentDigest(Object.fromEntries(Object.entries(document).filter(([field]) => !ours.has(field))));
}
