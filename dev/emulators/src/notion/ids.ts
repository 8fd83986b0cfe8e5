const dashless = /^[0-9a-f]{32}$/;
const dashed = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The dashed, lower-case form of an id with or without dashes; null for an invalid id. */
export function parseId(text: string): string | null {
  const id = text.toLowerCase();
  if (dashed.test(id)) return id;
  if (!dashless.test(id)) return null;
  return `${id.slice(0, 8)}-${id.slice(8, 12)}-${id.slice(12, 16)}-${id.slice(16, 20)}-${id.slice(20)}`;
}

export function dashlessId(id: string): string {
  return id.replaceAll('-', '');
}
