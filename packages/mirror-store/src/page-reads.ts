/** The options of every read for a page that a person looks at: it must not hold up the workers' reads and writes, however large the mirror is. */
export const pageReads = { maxTimeMS: 2_000, comment: 'console' } as const;
