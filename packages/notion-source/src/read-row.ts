import type { Json, Parent } from '@notion-mirror/domain/database-content';
import type { RowContent, RowProperty } from '@notion-mirror/domain/entities/row';
import type { CallProblem } from './connection-calls.ts';
import { rowContent, withAllItems, type ParsedPage, type PropertyPart } from './row-document.ts';
import { parsedSight, type Sight } from './sight.ts';

/** The reads of one row through one connection. */
export interface RowReads {
  readonly page: () => Promise<Sight<ParsedPage>>;
  /** A part of a property that Notion lists item by item. `cursor`: null for the first. */
  readonly part: (property: RowProperty, cursor: string | null) => Promise<Sight<PropertyPart>>;
}

export type SeenRow =
  | { readonly kind: 'live'; readonly content: RowContent }
  | { readonly kind: 'trashed' }
  /** The page's parent is no data source, in the trash or not. */
  | { readonly kind: 'moved_away'; readonly parent: Parent };

/**
 * The page, and then the rest of each value that Notion cut off. A rest that Notion refuses leaves its property `complete: false`. So does one that
 * Notion fails to return, if `isLastResort`; otherwise the result is that problem.
 */
export async function readRow(reads: RowReads, isLastResort: boolean): Promise<Sight<SeenRow>> {
  const page = await reads.page();
  if (page.kind !== 'seen') return page;
  const { parent, dataSourceId, inTrash } = page.value;
  if (dataSourceId === null) return { kind: 'seen', value: { kind: 'moved_away', parent } };
  if (inTrash) return { kind: 'seen', value: { kind: 'trashed' } };
  const row = parsedSight(rowContent(page.value));
  if (row.kind !== 'seen') return row;
  let content = row.value;
  for (const property of row.value.properties.filter(({ complete }) => complete === false)) {
    const items = await readItems(reads, property);
    const whole = items.kind === 'seen' ? parsedSight(withAllItems(content, property, items.value)) : items;
    if (whole.kind === 'seen') content = whole.value;
    else if (!mayStayCut(whole, isLastResort)) return whole;
  }
  return { kind: 'seen', value: { kind: 'live', content } };
}

async function readItems(reads: RowReads, property: RowProperty): Promise<Sight<readonly Json[]>> {
  const items: Json[] = [];
  const cursors = new Set<string>();
  let cursor: string | null = null;
  do {
    const part: Sight<PropertyPart> = await reads.part(property, cursor);
    if (part.kind !== 'seen') return part;
    // Not pushed as arguments: there may be as many as Notion likes.
    for (const item of part.value.items) items.push(item);
    cursor = part.value.nextCursor;
    if (cursor !== null && cursors.has(cursor)) return repeats;
    if (cursor !== null) cursors.add(cursor);
  } while (cursor !== null);
  return { kind: 'seen', value: items };
}

const repeats: CallProblem = {
  kind: 'failed',
  failure: { class: 'unexpected', code: 'same_cursor', message: 'Notion repeats a part of the property instead of ending it' },
};

/** A wait for the budget, or an abort, is no failure of Notion's. */
function mayStayCut(problem: CallProblem, isLastResort: boolean): boolean {
  if (problem.kind === 'gone' || problem.kind === 'failed') return true;
  if (problem.kind === 'dead' || problem.failure.code === 'aborted') return false;
  return isLastResort && problem.failure.class !== 'rate_limited';
}
