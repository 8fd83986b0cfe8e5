import type { JsonObject } from '@notion-mirror/domain/database-content';
import type { SchemaChange } from '@notion-mirror/domain/schema-change';
import type { SchemaChangeDocument } from '@notion-mirror/mirror-store/schema-history';
import { schemaChangeJson } from '@notion-mirror/operations/schema/change-json';
import { changeText } from '@notion-mirror/operations/schema/change-text';
import type { SchemaHistory } from '@notion-mirror/operations/schema/schema-history';
import { count, oneLine } from '@notion-mirror/operations/text';
import { table, type Cell, type Colors } from './output.ts';

export function schemaHistoryJson({ workspaceId, dataSourceId, holder, changes, hasMore }: SchemaHistory): JsonObject {
  return { workspaceId, dataSourceId, holder: holder && { ...holder }, changes: changes.map(schemaChangeJson), hasMore };
}

export function renderSchemaHistory({ dataSourceId, holder, changes, hasMore }: SchemaHistory, colors: Colors): string {
  const title = holder === null ? `${dataSourceId}, no longer in the mirror` : `${oneLine(holder.database)} › ${oneLine(holder.name)}`;
  if (changes.length === 0) {
    return `${colors.bold(title)}: no change of its properties is stored (they are kept for MIRROR_SCHEMA_HISTORY_DAYS).`;
  }
  const head = ['AS OF', 'PROPERTY', 'CHANGE', 'EVENT'].map((text): Cell => ({ text, style: colors.dim }));
  const lines = changes.flatMap((document) => {
    const rows = changesOf(document, colors);
    return rows.map(([property, change], index): Cell[] => [
      index === 0 ? document.asOf.toISOString() : '',
      property,
      change,
      { text: index === 0 ? oneLine(document.event?.id ?? '–') : '', style: colors.dim },
    ]);
  });
  const more = hasMore ? [`The last ${changes.length}; --last shows more.`] : [`${count(changes.length, 'change')}.`];
  return [colors.bold(title), table([head, ...lines]), ...more].join('\n');
}

/** One line for each changed thing, for `mirror explain`. */
export function renderSchemaChange(document: SchemaChangeDocument, colors: Colors): string[] {
  const { dataSourceId, event, rev, asOf } = document;
  const cause = event === null ? '' : ` for the event ${event.id}`;
  const head = `properties of the data source ${dataSourceId} changed as of ${asOf.toISOString()}, written as revision ${rev}${cause}`;
  return [oneLine(head), ...changesOf(document, colors).map(([property, { text, style }]) => `    ${property}: ${style(text)}`)];
}

type StyledText = Exclude<Cell, string> & { readonly style: (text: string) => string };

function changesOf({ changes, isTooLarge }: SchemaChangeDocument, colors: Colors): (readonly [property: string, change: StyledText])[] {
  if (isTooLarge === true) return [['', { text: 'too many changes to be stored', style: colors.yellow }]];
  return changes.map(
    (change) => [oneLine(change.property), { text: oneLine(changeText(change)), style: styleOf(change, colors) }] as const,
  );
}

function styleOf({ kind }: SchemaChange, colors: Colors): (text: string) => string {
  if (kind === 'added' || kind === 'option_added') return colors.green;
  return kind === 'removed' || kind === 'option_removed' ? colors.red : colors.yellow;
}
