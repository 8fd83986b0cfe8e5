export interface AbortScope extends Disposable {
  readonly signal: AbortSignal;
  abort(): void;
}

/** Calls when the signal aborts, at once when it has, until it is disposed of. */
export function onAbort(signal: AbortSignal, listener: () => void): Disposable {
  signal.addEventListener('abort', listener, { once: true });
  if (signal.aborted) listener();
  return { [Symbol.dispose]: () => signal.removeEventListener('abort', listener) };
}

/**
 * A signal of one's own that also aborts with `outer`, until it is disposed of. AbortSignal.any would do, but what it gives is kept in memory
 * for as long as `outer` lives, here until the process ends.
 */
export function abortScope(outer: AbortSignal): AbortScope {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  return { signal: controller.signal, abort, ...onAbort(outer, abort) };
}

/** `promise`, or null as soon as `signal` aborts: what others share is not stopped for one of them. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | null> {
  const aborted = Promise.withResolvers<null>();
  using _listening = onAbort(signal, () => aborted.resolve(null));
  return await Promise.race([promise, aborted.promise]);
}
