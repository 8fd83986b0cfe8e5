export interface AbortScope extends Disposable {
  readonly signal: AbortSignal;
  abort(): void;
}

/**
 * The listeners of each signal. An EventTarget scans all of its listeners whenever one is added or removed, and a busy worker has more than a
 * thousand on its stop signal; a set does not.
 */
const waiting = new WeakMap<AbortSignal, Set<() => void>>();

/** Calls `listener` when the signal aborts, or at once if it has aborted, unless it was disposed. */
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
  const callAll = (): void => {
    for (const listener of listeners) listener();
  };
  signal.addEventListener('abort', callAll, { once: true });
  return listeners;
}

/**
 * A signal that can be aborted by itself and also aborts with `outer`, until disposed of. Not AbortSignal.any: its signals stay in memory for as
 * long as `outer` lives, here until the process ends.
 */
export function abortScope(outer: AbortSignal): AbortScope {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  return { signal: controller.signal, abort, ...onAbort(outer, abort) };
}

/** The result of `promise`, or null as soon as `signal` aborts. The work goes on for other callers that share it. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | null> {
  const aborted = Promise.withResolvers<null>();
  using _listening = onAbort(signal, () => aborted.resolve(null));
  return await Promise.race([promise, aborted.promise]);
}
