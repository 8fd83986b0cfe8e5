/** The id of a property or an option, for comparisons: Notion returns the same id percent-encoded or not. */
export function plainId(id: string): string {
  if (!id.includes('%')) return id;
  try {
    return decodeURIComponent(id);
  } catch {
    return id;
  }
}
