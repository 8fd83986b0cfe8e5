/**
 * JSON as written by Nango: keys sorted at every level, no whitespace, non-ASCII text not escaped
 * (`fast-safe-stringify`'s stable form, used by Nango's `stringifyStable`). Keys sort by UTF-16 code units.
 */
export function stableStringify(value: unknown): string {
  return JSON.stringify(sorted(value));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
