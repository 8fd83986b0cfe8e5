import type { Time } from './common.ts';
import type { LetterCause } from './dead-letters.ts';

/**
 * `GET /api/jobs/:id`; `GET /api/jobs/:id/stream` (SSE): the event `job` with a `JobAnswer` at once and when it has changed, at most every 500 ms, until the job
 * has ended or stopped; then `done` (`{}`). `POST /api/jobs/:id/stop` and `…/continue` with `{}` answer the job as it is then; 409 `not_possible` where that makes
 * no sense. An id is that of the action in the audit trail.
 */
export interface JobAnswer {
  readonly id: string;
  readonly action: JobAction;
  readonly who: string;
  readonly via: 'cli' | 'console';
  readonly reason: string | null;
  readonly state: JobState;
  readonly startedAt: Time;
  /** When it ended, or stopped. */
  readonly endedAt: Time | null;
  /** Letters; of a replay records of the log, of a switch 1. */
  readonly planned: number;
  readonly done: number;
  /** Still as they were. */
  readonly left: number;
  /** Of the left ones, those that were refused as they are, e.g. too large for the ingress. */
  readonly failed: number;
  /** Settled letters that are on the topic again, as new letters. Without their messages, which are empty: the new letters have them. */
  readonly cameBack: { readonly letters: number; readonly causes: readonly LetterCause[] };
  /** The first letters. Null: without a canary. `until`: how long it waits at most for what becomes of them; null: it does not wait for them now. */
  readonly canary: { readonly letters: number; readonly until: Time | null } | null;
  /** Until when it watches whether letters come back, after the last one; null: it does not (yet, any more). */
  readonly watchesUntil: Time | null;
  readonly perSecond: number | null;
  /** Why it stopped or failed; null: an operator stopped it, or it did not. `message`: a sentence for a person. */
  readonly failure: { readonly code: string; readonly message: string; readonly remedy: string | null } | null;
  /** Counts by result, as the audit trail has them. */
  readonly counts: Readonly<Record<string, number>>;
  /** Of `replay.run` and `replay.switch`: `GET /api/replays/:id`; null: it has not begun. */
  readonly replayId: string | null;
  /** Which of the two requests would be accepted now. */
  readonly canStop: boolean;
  readonly canContinue: boolean;
}

export type JobAction = 'dead_letters.redrive' | 'dead_letters.drop' | 'replay.run' | 'replay.switch';

/**
 * `waiting`: for what becomes of settled letters, at most a minute. `interrupted`: its console was killed a moment ago, and another continues it. `stopped`: by an
 * operator, since letters of the canary came back (`failure.code` is `came_back`), or at a failure that the next letter would meet, too; it can be continued.
 */
export type JobState = 'running' | 'waiting' | 'interrupted' | 'stopped' | 'done' | 'failed';
