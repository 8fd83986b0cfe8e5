import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../logger.ts';

/** Exponential backoff with full jitter over its upper half: `attempt` 1 waits about `baseMs`, never more than `maxMs`. */
export function backoffMs(attempt: number, baseMs: number, maxMs: number, random: () => number = Math.random): number {
  const ceiling = Math.min(maxMs, baseMs * 2 ** Math.min(attempt - 1, 30));
  return Math.round(ceiling * (0.5 + random() / 2));
}

/**
 * Runs a start step until it succeeds. A dependency that is not up yet is no reason to exit: an orchestrator starts everything at once.
 * Rejects only when `signal` aborts, or with an error that `isFatal` marks as not retriable.
 */
export async function untilAvailable<T>(
  what: string,
  step: () => Promise<T>,
  options: { logger: Logger; signal: AbortSignal; isFatal?: (error: unknown) => boolean },
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    options.signal.throwIfAborted();
    try {
      return await step();
    } catch (error) {
      if (options.isFatal?.(error) === true) throw error;
      options.logger.warn({ err: error, attempt, dependency: what }, `waiting for ${what}`);
    }
    await delay(backoffMs(attempt, 250, 5_000), undefined, { signal: options.signal });
  }
}
