/**
 * Runs `act` at most once per interval and passes it the number of calls skipped since.
 * For log lines that an untrusted sender can trigger at will.
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
