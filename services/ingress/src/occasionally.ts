/**
 * Runs `act` at most once per interval; in between it only counts. `act` gets how many calls it stands for besides its own.
 * For log lines that a stranger can provoke as often as he likes.
 */
export function occasionally(intervalMs: number, now: () => number = Date.now): (act: (skipped: number) => void) => void {
  let nextAt = -Infinity;
  let skipped = 0;
  return (act) => {
    if (now() < nextAt) {
      skipped += 1;
      return;
    }
    nextAt = now() + intervalMs;
    act(skipped);
    skipped = 0;
  };
}
