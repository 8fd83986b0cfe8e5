/**
 * Are the mirrored rows equal to Notion's, field by field, and does the mirror say rightly that it has them all? What Notion shows is read with the
 * product's own parser, which has tests of its own; that the mirror holds the right answer is what is compared here.
 */
import { contentDifferences, type Fields } from '@notion-mirror/domain/content-differences';
import type { RowContent } from '@notion-mirror/domain/entities/row';
import type { TrueRow } from '@notion-mirror/emulators/notion/truth';
import { rowStorage } from '@notion-mirror/mirror-store/entities/row';
import { fieldsOf } from '@notion-mirror/mirror-store/records/mirrored-documents';
import { parsePage, rowContent, withAllItems } from '@notion-mirror/notion-source/row-document';
import type { Difference, NotionTruth } from './equality.ts';

/** Compares all documents of one tenant's view `rows` with every row that Notion shows that tenant now. Empty: they are equal. */
export function rowDifferences(workspaceId: string, documents: readonly Fields[], truths: readonly TrueRow[]): Difference[] {
  const found: Difference[] = [];
  const mirrored = new Map(documents.map((document) => [String(document['pageId']), document]));
  for (const truth of truths) {
    const { pageId, content } = rowOf(truth);
    const { databaseId } = content;
    const document = mirrored.get(pageId);
    mirrored.delete(pageId);
    if (document === undefined) {
      found.push({ databaseId, pageId, field: 'document', mirror: 'missing', notion: 'present' });
      continue;
    }
    const expected = fieldsOf(rowStorage, { workspaceId, id: pageId }, content);
    const actual = Object.fromEntries(Object.keys(expected).map((field) => [field, document[field]]));
    for (const { path, mirror, notion } of contentDifferences(actual, expected))
      found.push({ databaseId, pageId, field: path, mirror, notion });
  }
  for (const [pageId, document] of mirrored) {
    found.push({ databaseId: String(document['databaseId']), pageId, field: 'document', mirror: 'present', notion: 'missing' });
  }
  return found;
}

/**
 * Compares one tenant's documents of `data_source_contents` with Notion: one for each data source that a live database lists and the connection can read,
 * and it is complete. `withCounts`: its counts are those of Notion now, which is so when nothing has changed since its last scan began.
 */
export function contentsDifferences(
  documents: readonly Fields[],
  databases: readonly NotionTruth[],
  rows: readonly TrueRow[],
  { withCounts }: { readonly withCounts: boolean },
): Difference[] {
  const found: Difference[] = [];
  const known = new Map(documents.map((document) => [String(document['dataSourceId']), document]));
  for (const { database, dataSources } of databases) {
    const databaseId = String(database['id']);
    for (const { id, answer } of dataSources) {
      if (answer === null) continue;
      const document = known.get(id);
      known.delete(id);
      const expected = { databaseId, state: 'complete', truncated: [], ...(withCounts ? { rows: countsOf(id, rows) } : {}) };
      const actual = Object.fromEntries(Object.keys(expected).map((field) => [field, document?.[field]]));
      for (const { path, mirror, notion } of contentDifferences(actual, expected)) {
        found.push({ databaseId, field: `data_source_contents[${id}].${path}`, mirror, notion });
      }
    }
  }
  for (const [id, document] of known) {
    found.push({
      databaseId: String(document['databaseId']),
      field: `data_source_contents[${id}]`,
      mirror: 'present',
      notion: 'missing',
    });
  }
  return found;
}

function countsOf(dataSourceId: string, rows: readonly TrueRow[]): { readonly live: number; readonly archived: number } {
  const inSource = rows.filter((row) => row.dataSourceId === dataSourceId);
  const archived = inSource.filter(({ page }) => page['is_archived'] === true).length;
  return { live: inSource.length - archived, archived };
}

/** With the whole values of what the page object cuts off. Throws for what is no row. */
function rowOf({ page, whole }: TrueRow): { readonly pageId: string; readonly content: RowContent } {
  const read = parsePage(page, () => JSON.stringify(page));
  const row = read.kind === 'parsed' ? rowContent(read.value) : read;
  if (read.kind !== 'parsed' || row.kind !== 'parsed') throw new Error(`Notion shows a page that is no row: ${JSON.stringify(row)}`);
  const content = row.value.properties.reduce((found, property) => {
    const items = property.complete === false ? whole[property.id] : undefined;
    if (items === undefined) return found;
    const completed = withAllItems(found, property, items);
    if (completed.kind !== 'parsed') throw new Error(`Notion shows a value that cannot be read: ${JSON.stringify(completed)}`);
    return completed.value;
  }, row.value);
  return { pageId: read.value.pageId, content };
}
