import type { EventLine } from './events.ts';

/**
 * `GET /api/stream?tenant` (SSE; `tenant`: only its outcomes). Events by name:
 * - `outcomes`: `StreamedOutcomes`, at most every 100 ms
 * - `gap`: `{}`: something was missed, so lists must be loaded again
 *
 * A comment every 15 s. A lost connection resumes by `Last-Event-ID` when what was missed is still known, or else begins with `gap`.
 */
export interface StreamedOutcomes {
  /** Latest first. Titles may be missing where a list has them. */
  readonly events: readonly EventLine[];
  /** How many more there were: above 20 per batch only some are sent. */
  readonly left: number;
}
