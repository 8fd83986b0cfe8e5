import { setTimeout as delay } from 'node:timers/promises';

export interface Repeating {
  /** A turn at once, or one more after the one that runs. */
  nudge(): void;
  /** Begins no more turns, and resolves when the one that runs has ended. */
  stop(): Promise<void>;
}

/** One turn after the other, `everyMs` after the last one ended, or sooner when nudged. A turn that rejects is only told of. */
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
