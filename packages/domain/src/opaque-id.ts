/** Kafka keys, document ids and metrics carry it: long enough for any id, short enough for all of them. */
const longest = 256;

/**
 * What is wrong with an id that an operator gave, or null. Ours for a tenant, Nango's for a connection: opaque text, taken as it is.
 * A tenant's id has no `:`, since `:` joins it with the database's id in a document's `_id`: with one, the documents of tenant `a` could not be
 * told by prefix from those of tenant `a:b`. Control characters and blanks at the ends are never meant.
 */
export function problemOfId(kind: 'tenant' | 'connection', id: string): string | null {
  if (id === '') return 'is empty';
  if (id.trim() !== id) return 'begins or ends with a blank';
  if (/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u.test(id)) return 'holds a control character';
  if (kind === 'tenant' && id.includes(':')) return 'holds a `:`, which joins a tenant and a database in document ids';
  if (id.length > longest) return `is longer than ${longest} characters`;
  return null;
}
