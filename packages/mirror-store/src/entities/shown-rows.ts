import { keyOf } from '@notion-mirror/domain/entity';
import type { RowContent } from '@notion-mirror/domain/entities/row';
import type { Db, Document } from 'mongodb';
import { z } from 'zod';
import { openNamed } from '../collections.ts';
import { orUnavailable } from '../errors.ts';
import { readFields, type RecordDocument } from '../records/record-document.ts';
import { shownFields } from './row-content.ts';
import { filterOf, type RowCondition } from './row-filter.ts';
import { rowStorage } from './row.ts';
import { ofTenant } from '../records/of-tenant.ts';

/** A row as readers see it, without its copy of Notion's object. */
export interface ShownRow extends Pick<RowContent, keyof typeof shownFields> {
  readonly pageId: string;
}

/** A row's place in its data source. */
export type RowPlace = Pick<ShownRow, 'createdTime' | 'pageId'>;

/** The rows that readers see. All reject with a `StoreUnavailableError` when MongoDB is unavailable. */
export interface ShownRows {
  /**
   * The rows of a data source for which all conditions hold, in order of created time, read as they are iterated. `limit`: null for all; `after`: only those
   * that come after it.
   */
  list(
    source: { readonly workspaceId: string; readonly dataSourceId: string },
    conditions: readonly RowCondition[],
    limit: number | null,
    after?: RowPlace | null,
  ): AsyncGenerator<ShownRow, void, undefined>;
  /** Null: the mirror does not show it. */
  read(workspaceId: string, pageId: string): Promise<ShownRow | null>;
  /** The titles of those that the mirror shows, by page id. */
  titles(workspaceId: string, pageIds: readonly string[]): Promise<ReadonlyMap<string, string>>;
}

const shownRowFields = { pageId: z.string(), ...shownFields };
const shownRow: z.ZodType<ShownRow> = z.object(shownRowFields);

const projection = Object.fromEntries([...Object.keys(shownRowFields), '_id'].map((field): [string, 1] => [field, 1]));

/** A range of the index, without the rows of the same minute that come before; a null sorts before every date. */
function follows({ createdTime, pageId }: RowPlace): Document {
  const passed = { $nor: [{ createdTime, pageId: { $lte: pageId } }] };
  return createdTime === null ? passed : { createdTime: { $gte: createdTime }, ...passed };
}

const titled = z.object({ pageId: z.string(), title: z.string() });
const rowsAtOnce = 200;

/** `reads`: options of every read. */
export function openShownRows(db: Db, reads: { readonly maxTimeMS?: number; readonly comment?: string } = {}): ShownRows {
  const rows = openNamed<RecordDocument>(db, rowStorage.view);
  return {
    async *list({ workspaceId, dataSourceId }, conditions, limit, after = null) {
      // Both values are named so that MongoDB merges two ordered ranges of the index instead of sorting.
      const own = { ...ofTenant(workspaceId), dataSourceId, isArchived: { $in: [false, true] }, ...(after === null ? {} : follows(after)) };
      const filter = conditions.length === 0 ? own : { ...own, $and: conditions.map(filterOf) };
      const found = rows.find(filter, { ...reads, projection, batchSize: rowsAtOnce, limit: limit ?? 0 });
      found.sort({ createdTime: 1, pageId: 1 });
      try {
        for (;;) {
          const document = await orUnavailable('rows could not be read', () => found.next());
          if (document === null) return;
          yield readFields(shownRow, document);
        }
      } finally {
        await found.close();
      }
    },
    read: (workspaceId, pageId) =>
      orUnavailable('a row could not be read', async () => {
        const found = await rows.findOne({ _id: keyOf({ workspaceId, id: pageId }) }, { ...reads, projection });
        return found && readFields(shownRow, found);
      }),
    titles: (workspaceId, pageIds) =>
      orUnavailable('rows could not be read', async () => {
        const _id = { $in: pageIds.map((id) => keyOf({ workspaceId, id })) };
        const found = await rows.find({ _id }, { ...reads, projection: { pageId: 1, title: 1 } }).toArray();
        return new Map(found.map((document) => readFields(titled, document)).map(({ pageId, title }) => [pageId, title]));
      }),
  };
}
