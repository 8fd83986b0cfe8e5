import type { EventLine } from './events.ts';

/**
 * `GET /api/stream?tenant` (SSE; `tenant`: only its outcomes). Events by name:
 * - `outcomes`: `StreamedOutcomes`, at most every 100 ms
 * - `waiting`: `StreamedWaiting`, at most every 100 ms: events that were appended to the log, whose outcomes will come
 * - `gap`: `{}`: something was missed, so lists must be loaded again
 *
 * A comment every 15 s. A lost connection resumes by `Last-Event-ID` when what was missed is still known, or else begins with `gap`.
 */
export interface StreamedOutcomes {
  /** Latest first. Titles may be missing where a list has them. */
  readonly events: readonly EventLine[];
  /** How many more there were: above 20 per batch only some are sent. */
  readonly left: number;
  /** Events that came as `waiting` and that one of these outcomes is of as well. Absent: none. */
  readonly settled?: readonly { readonly workspaceId: string | null; readonly eventId: string; readonly outcome: string }[];
}

/** `id` is the event's until its outcome comes, and `outcome` is `waiting`. Of very many only some are sent: their outcomes come in any case. */
export interface StreamedWaiting {
  readonly events: readonly EventLine[];
}
