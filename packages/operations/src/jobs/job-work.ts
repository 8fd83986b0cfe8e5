import type { ActionEnd } from '@notion-mirror/mirror-store/operator-actions';
import type { JobProgress } from '@notion-mirror/mirror-store/operator-jobs';
import { StoreUnavailableError } from '@notion-mirror/mirror-store/errors';
import { messageOf } from '../error-text.ts';
import { OperatorError } from '../operator-error.ts';

/** How a job and the process that runs it speak with each other. */
export interface JobControl {
  /** Aborts when the job is to go no further than the step that it is in. */
  readonly stopping: AbortSignal;
  /** Aborts when it must end at once: another process may have it. */
  readonly lost: AbortSignal;
  /** What has changed. Stored within a second. */
  report(change: { readonly progress?: Partial<JobProgress>; readonly counts?: ActionEnd['counts']; readonly replayId?: string }): void;
}

/** `stopped`: it can be continued. `failure` never contains a secret or a customer's text. */
export interface JobResult {
  readonly outcome: 'done' | 'failed' | 'stopped';
  readonly failure: NonNullable<JobProgress['failure']> | null;
}

export const jobDone: JobResult = { outcome: 'done', failure: null };
export const jobStopped: JobResult = { outcome: 'stopped', failure: null };

/** A failure that the next step would meet, too, until an operator does something about it. */
export function stoppedBy(error: unknown, redact: (text: string) => string): JobResult {
  const message = redact(messageOf(error));
  if (error instanceof OperatorError) return { outcome: 'stopped', failure: { code: error.code, message, remedy: error.remedy } };
  const code = error instanceof StoreUnavailableError ? 'mongodb_unavailable' : 'failed';
  return { outcome: 'stopped', failure: { code, message, remedy: 'mirror doctor' } };
}
