import { keyOf } from '@notion-mirror/domain/entity';
import type { RowContent } from '@notion-mirror/domain/entities/row';
import type { Db } from 'mongodb';
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

/** The rows that readers see. All reject with a `StoreUnavailableError` when MongoDB is unavailable. */
export interface ShownRows {
  /** The rows of a data source for which all conditions hold, in order of created time, read as they are iterated. `limit`: null for all. */
  list(
    source: { readonly workspaceId: string; readonly dataSourceId: string },
    conditions: readonly RowCondition[],
    limit: number | null,
  ): AsyncGenerator<ShownRow, void, undefined>;
  /** The titles of those that the mirror shows, by page id. */
  titles(workspaceId: string, pageIds: readonly string[]): Promise<ReadonlyMap<string, string>>;
}

const shownRowFields = { pageId: z.string(), ...shownFields };
const shownRow: z.ZodType<ShownRow> = z.object(shownRowFields);

const titled = z.object({ pageId: z.string(), title: z.string() });
const rowsAtOnce = 200;

export function openShownRows(db: Db): ShownRows {
  const rows = openNamed<RecordDocument>(db, rowStorage.view);
  return {
    async *list({ workspaceId, dataSourceId }, conditions, limit) {
      // Both values are named so that MongoDB merges two ordered ranges of the index instead of sorting.
      const own = { ...ofTenant(workspaceId), dataSourceId, isArchived: { $in: [false, true] } };
      const filter = conditions.length === 0 ? own : { ...own, $and: conditions.map(filterOf) };
      const fields = [...Object.keys(shownRowFields), '_id'].map((field): [string, 1] => [field, 1]);
      const found = rows.find(filter, { projection: Object.fromEntries(fields), batchSize: rowsAtOnce, limit: limit ?? 0 });
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
    titles: (workspaceId, pageIds) =>
      orUnavailable('rows could not be read', async () => {
        const _id = { $in: pageIds.map((id) => keyOf({ workspaceId, id })) };
        const found = await rows.find({ _id }, { projection: { pageId: 1, title: 1 } }).toArray();
        return new Map(found.map((document) => readFields(titled, document)).map(({ pageId, title }) => [pageId, title]));
      }),
  };
}
