/** Lets so many works run at once; the others wait for their turn, in order. */
export interface Turns {
  /** Rejects with the signal's reason when it aborts before the turn comes. */
  take<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T>;
}

export function createTurns(atOnce: number): Turns {
  let running = 0;
  const waiting: (() => void)[] = [];
  return {
    async take(signal, work) {
      while (running >= atOnce) {
        const { promise, resolve } = Promise.withResolvers<void>();
        waiting.push(resolve);
        await promise;
      }
      running += 1;
      try {
        signal.throwIfAborted();
        return await work();
      } finally {
        running -= 1;
        waiting.shift()?.();
      }
    },
  };
}
