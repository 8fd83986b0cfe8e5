/**
 * Runs several starts at once. When one fails, the others are aborted and awaited, so that nothing is still starting when this
 * throws the first failure.
 */
export async function sideBySide<const T extends readonly unknown[]>(
  outer: AbortSignal | undefined,
  start: (signal: AbortSignal) => { [K in keyof T]: Promise<T[K]> },
): Promise<T> {
  const abort = new AbortController();
  const promises: readonly Promise<unknown>[] = start(outer ? AbortSignal.any([outer, abort.signal]) : abort.signal);
  try {
    return (await Promise.all(promises)) as unknown as T;
  } catch (error) {
    abort.abort(error);
    await Promise.allSettled(promises);
    throw error;
  }
}
