export interface AbortScope extends Disposable {
  readonly signal: AbortSignal;
  abort(): void;
}

/**
 * A signal of one's own that also aborts with `outer`, until it is disposed of. AbortSignal.any would do, but what it gives is kept in memory
 * for as long as `outer` lives, here until the process ends.
 */
export function abortScope(outer: AbortSignal): AbortScope {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  outer.addEventListener('abort', abort, { once: true });
  if (outer.aborted) abort();
  return { signal: controller.signal, abort, [Symbol.dispose]: () => outer.removeEventListener('abort', abort) };
}

/** `promise`, or null as soon as `signal` aborts: what others share is not stopped for one of them. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | null> {
  const aborted = Promise.withResolvers<null>();
  const giveUp = (): void => aborted.resolve(null);
  signal.addEventListener('abort', giveUp, { once: true });
  if (signal.aborted) giveUp();
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}
