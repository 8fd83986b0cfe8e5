import { setTimeout as delay } from 'node:timers/promises';

/**
 * Polls `check` until it returns true. A check that throws counts as "not yet".
 * Throws the error of `failure` as soon as it returns one (e.g. the process has ended), the signal's reason when aborted,
 * and an error naming `what` after `timeoutMs`.
 */
export async function waitUntil(
  what: string,
  check: () => Promise<boolean>,
  options: { timeoutMs: number; failure?: () => Promise<Error | null> | Error | null; signal?: AbortSignal | undefined },
): Promise<void> {
  const deadline = performance.now() + options.timeoutMs;
  let lastError: unknown;
  for (;;) {
    options.signal?.throwIfAborted();
    const failure = await options.failure?.();
    if (failure) throw failure;
    try {
      if (await check()) return;
    } catch (error) {
      lastError = error;
    }
    if (performance.now() > deadline) {
      throw new Error(`${what}: not ready after ${options.timeoutMs / 1000} s`, { cause: lastError });
    }
    await delay(50);
  }
}
