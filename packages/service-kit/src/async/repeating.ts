import { setTimeout as delay } from 'node:timers/promises';

export interface Repeating {
  /** Takes a turn at once, or another one after the running one. */
  nudge(): void;
  /** Begins no more turns, and resolves when the running one has ended. */
  stop(): Promise<void>;
}

/** Takes turns one after the other, `everyMs` after the last one ended, or sooner when nudged. A failed turn is reported and does not end them. */
export function startRepeating(options: {
  readonly everyMs: number;
  readonly turn: (signal: AbortSignal) => Promise<void>;
  /** Not called while stopping. */
  readonly onFailure: (error: unknown) => void;
}): Repeating {
  const { everyMs, turn, onFailure } = options;
  const stopping = new AbortController();
  let nudged = false;
  let wake: (() => void) | null = null;

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      nudged = false;
      try {
        await turn(stopping.signal);
      } catch (error) {
        if (!stopping.signal.aborted) onFailure(error);
      }
      if (nudged || stopping.signal.aborted) continue;
      const woken = new Promise<void>((resolve) => (wake = resolve));
      const over = new AbortController();
      await Promise.race([woken, delay(everyMs, undefined, { signal: over.signal, ref: false }).catch(() => {})]);
      over.abort();
    }
  }

  const running = run();
  return {
    nudge() {
      nudged = true;
      wake?.();
    },
    async stop() {
      stopping.abort();
      wake?.();
      await running;
    },
  };
}
