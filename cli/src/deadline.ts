export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
}

/** The promise's own outcome, unless `ms` pass (DeadlineError) or `signal` aborts (its reason) before. What was promised goes on unwatched. */
export async function within<T>(ms: number, signal: AbortSignal, promise: Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const { promise: cut, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new DeadlineError(`no answer within ${(ms / 1000).toFixed(ms % 1000 === 0 ? 0 : 1)} s`)), ms);
  const abort = () => reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([promise, cut]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}
