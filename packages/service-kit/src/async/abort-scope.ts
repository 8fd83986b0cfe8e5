export interface AbortScope extends Disposable {
  readonly signal: AbortSignal;
  abort(): void;
}

/**
 * Who waits for each signal. An EventTarget looks through all of its listeners for each one that comes or goes, and a busy worker has more than a
 * thousand on the signal by which it stops; a set does not.
 */
const waiting = new WeakMap<AbortSignal, Set<() => void>>();

/** Calls when the signal aborts, at once when it has, until it is disposed of. */
export function onAbort(signal: AbortSignal, listener: () => void): Disposable {
  if (signal.aborted) {
    listener();
    return { [Symbol.dispose]: () => {} };
  }
  const listeners = waiting.get(signal) ?? listenTo(signal);
  listeners.add(listener);
  return { [Symbol.dispose]: () => listeners.delete(listener) };
}

function listenTo(signal: AbortSignal): Set<() => void> {
  const listeners = new Set<() => void>();
  waiting.set(signal, listeners);
  const tellAll = (): void => {
    for (const listener of listeners) listener();
  };
  signal.addEventListener('abort', tellAll, { once: true });
  return listeners;
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
