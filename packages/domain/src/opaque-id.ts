/** Long enough for any id, short enough for Kafka keys, document ids and metrics. */
const longest = 256;

/**
 * The problem of an id given by an operator, or null. Our id for a tenant, Nango's for a connection: opaque text, used unchanged.
 * A tenant's id has no `:`, since `:` joins it with the database's id in a document's `_id`: otherwise the documents of tenant `a` could not
 * be distinguished by prefix from those of tenant `a:b`. Control characters and leading or trailing blanks are never intended.
 */
export function problemOfId(kind: 'tenant' | 'connection', id: string): string | null {
  if (id === '') return 'is empty';
  if (id.trim() !== id) return 'begins or ends with a blank';
  if (/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u.test(id)) return 'holds a control character';
  if (kind === 'tenant' && id.includes(':')) return 'holds a `:`, which joins a tenant and a database in document ids';
  if (id.length > longest) return `is longer than ${longest} characters`;
  return null;
}
