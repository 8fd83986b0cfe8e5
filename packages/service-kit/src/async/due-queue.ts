import type { Clock } from './clock.ts';

/** Values that become due a fixed time after they were added, in memory. An idle queue sets no timer, and none keeps the process alive. */
export interface DueQueue<V> {
  readonly get: (key: string) => V | undefined;
  /** Replaces the value of the key, if there is one. */
  readonly add: (key: string, value: V) => void;
  /** Empties the queue, and forgets its timer. */
  readonly drain: () => V[];
}

/** `onDue`: must not throw. Beyond `most` values, the oldest is due at once. */
export function createDueQueue<V>(options: {
  readonly delayMs: number;
  readonly most: number;
  readonly onDue: (value: V) => void;
  readonly now: Clock['now'];
}): DueQueue<V> {
  const { delayMs, most, onDue, now } = options;
  /** Those that were added first come first. */
  const waiting = new Map<string, { readonly value: V; readonly at: number }>();
  let timer: NodeJS.Timeout | null = null;

  function watch(): void {
    const [first] = waiting.values();
    if (timer === null && first !== undefined) timer = setTimeout(takeDue, Math.max(0, first.at - now())).unref();
  }

  function takeDue(): void {
    timer = null;
    for (const [key, { at }] of waiting) {
      if (at > now()) break;
      take(key);
    }
    watch();
  }

  function take(key: string): void {
    const found = waiting.get(key);
    waiting.delete(key);
    if (found !== undefined) onDue(found.value);
  }

  return {
    get: (key) => waiting.get(key)?.value,
    add(key, value) {
      waiting.delete(key);
      waiting.set(key, { value, at: now() + delayMs });
      const [oldest] = waiting.keys();
      if (waiting.size > most && oldest !== undefined) take(oldest);
      watch();
    },
    drain() {
      if (timer !== null) clearTimeout(timer);
      timer = null;
      const values = [...waiting.values()].map(({ value }) => value);
      waiting.clear();
      return values;
    },
  };
}
