/** The options of every read for a page that a person looks at: it must not hold up the workers' reads and writes, however large the mirror is. */
export const pageReads = { maxTimeMS: 2_000, comment: 'console' } as const;

/** Splits `limit + 1` found items into those of the page and whether there are more. */
export function pageOf<T>(found: readonly T[], limit: number): { readonly items: readonly T[]; readonly last: T | null } {
  const items = found.slice(0, limit);
  return { items, last: found.length > limit ? (items.at(-1) ?? null) : null };
}
