import type { RowProperty, RowValue } from '@notion-mirror/domain/entities/row';

/**
 * A property's value for a person: dates as Notion writes them, names of files and options, the titles of related rows where `titleOf` knows them. `…`: Notion
 * cut the value off. In parentheses: why Notion did not compute it.
 */
export function cellText({ type, value, complete, resultType }: RowProperty, titleOf: (pageId: string) => string | undefined): string {
  if (value === null && (resultType === 'unsupported' || resultType === 'incomplete')) return `(${resultType})`;
  const text =
    type === 'relation' && Array.isArray(value) ? value.map((id) => titleOf(String(id)) ?? String(id)).join(', ') : textOf(value);
  return complete === false ? `${text}, …` : text;
}

function textOf(value: RowValue): string {
  if (value === null) return '';
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) {
    return value
      .map((one: RowValue) => textOf(one))
      .filter((text) => text !== '')
      .join(', ');
  }
  if (typeof value !== 'object') return String(value);
  return textOfObject(value as Readonly<Record<string, unknown>>);
}

/** A date, a file or a place, a verification; anything else as JSON. */
function textOfObject(value: Readonly<Record<string, unknown>>): string {
  const { start, end, timeZone, name, state } = value;
  if (typeof start === 'string') {
    const range = typeof end === 'string' ? `${start} → ${end}` : start;
    return typeof timeZone === 'string' ? `${range} ${timeZone}` : range;
  }
  if (typeof name === 'string') return name;
  return typeof state === 'string' ? state : JSON.stringify(value);
}
