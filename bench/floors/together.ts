/** One request at a time: items added while one is in flight go together in the next. Each settles with the request that holds it. */
export function together<T>(send: (items: readonly T[]) => Promise<unknown>): (item: T) => Promise<void> {
  let waiting: T[] = [];
  let last: Promise<unknown> = Promise.resolve();
  let next: Promise<void> | null = null;
  async function sendAfter(before: Promise<unknown>): Promise<void> {
    await before;
    const items = waiting;
    waiting = [];
    next = null;
    await send(items);
  }
  return (item) => {
    waiting.push(item);
    if (next === null) {
      next = sendAfter(last);
      last = next;
    }
    return next;
  };
}
