const dashless = /^[0-9a-f]{32}$/;
const dashed = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Notion's canonical form of an id (dashed, lower case), from an id with or without dashes; null for any other text. */
export function canonicalNotionId(text: string): string | null {
  const id = text.toLowerCase();
  if (dashed.test(id)) return id;
  if (!dashless.test(id)) return null;
  return `${id.slice(0, 8)}-${id.slice(8, 12)}-${id.slice(12, 16)}-${id.slice(16, 20)}-${id.slice(20)}`;
}

/**
 * The id in a pasted text: a plain id, or a Notion URL, whose last path segment ends in the dashless id
 * (`https://www.notion.so/acme/Tasks-248104cd477e80fdb757e945d38000bd?v=…`, the scheme is optional). Null when there is none.
 */
export function notionIdFromText(text: string): string | null {
  const plain = canonicalNotionId(text.trim());
  if (plain !== null) return plain;
  const url = urlFromText(text);
  if (url === null) return null;
  const last = url.pathname.split('/').findLast((segment) => segment !== '') ?? '';
  return canonicalNotionId(last) ?? canonicalNotionId(last.slice(-36)) ?? canonicalNotionId(last.slice(-32));
}

/**
 * The same, but of the page that is open within what the URL shows, if there is one: `…/Tasks-248104cd477e80fdb757e945d38000bd?p=0f3b2c1d5a6e4b7c8d9e000000000001`
 * is the row, not its database.
 */
export function openNotionIdFromText(text: string): string | null {
  return canonicalNotionId(urlFromText(text)?.searchParams.get('p') ?? '') ?? notionIdFromText(text);
}

function urlFromText(text: string): URL | null {
  return URL.parse(text.trim()) ?? (text.includes('/') ? URL.parse(`https://${text.trim()}`) : null);
}
