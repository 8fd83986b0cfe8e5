/** Runs `run` for every item, at most `atOnce` at a time, in order. Rejects with the first failure; nothing more is begun then. */
export async function inParallel<T>(items: Iterable<T>, atOnce: number, run: (item: T) => Promise<void>): Promise<void> {
  const iterator = items[Symbol.iterator]();
  const state = { failed: false };
  const lane = async (): Promise<void> => {
    for (let next = iterator.next(); next.done !== true && !state.failed; next = iterator.next()) {
      try {
        await run(next.value);
      } catch (error) {
        state.failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}
