import type { Outcome, Work } from '@notion-mirror/event-log/lanes/work';
import { PublishError } from '@notion-mirror/event-log/publisher';
import { StoreUnavailableError } from '@notion-mirror/mirror-store/errors';
import { backoffMs } from '@notion-mirror/service-kit/async/backoff';

/**
 * What to do with work that ended with this error: retry it after the stop of the worker, or its lane when a server is available again. Throws
 * every other error. `now`: epoch ms.
 */
export function retryAfter(error: unknown, { attempt, signal }: Pick<Work<unknown>, 'attempt' | 'signal'>, now: number): Outcome {
  if (signal.aborted) {
    const failure = { class: 'shutdown', code: 'stopping', message: 'the worker is stopping' } as const;
    return { kind: 'retry', at: now, scope: 'task', failure };
  }
  const code = error instanceof StoreUnavailableError ? 'mongodb_unavailable' : error instanceof PublishError ? 'append_failed' : null;
  if (code === null) throw error;
  const failure = { class: 'dependency', code, message: (error as Error).message } as const;
  return { kind: 'retry', at: now + backoffMs(attempt, 250, 10_000), scope: 'lane', failure };
}
