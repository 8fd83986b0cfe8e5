import { z } from 'zod';

/** How rows are read. Times in milliseconds. */
export const rowSettingsSchema = z.strictObject({
  /** Most rows of one query. */
  resultLimit: z.int().min(1).default(10_000),
  /** A query shows each row as it was this long ago: drawn from this range for each row and answer. A single read shows the present, unless it is stale. */
  lagMs: z.tuple([z.number().min(0), z.number().min(0)]).default([0, 0]),
  /** Of a single read that shows a row as a query would: as it was `lagMs` ago. */
  staleReadProbability: z.number().min(0).max(1).default(0),
  /** Of a page of a query that holds fewer rows than asked for, perhaps none, although more follow. */
  shortPageProbability: z.number().min(0).max(1).default(0),
  /** After this time a query's cursor is refused. Null: never. */
  cursorLifeMs: z.number().min(0).nullable().default(null),
  /** A rollup over more related pages is `unsupported`. Null: no limit. */
  relatedBudget: z.int().min(0).nullable().default(null),
  /** Whether every answer about a row is remembered, for `rowVersions`. */
  keepVersions: z.boolean().default(false),
});
export type RowSettings = z.output<typeof rowSettingsSchema>;
