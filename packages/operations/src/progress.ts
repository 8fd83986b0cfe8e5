/** Calls `report` when it is called itself, but not in the first `ms`, and then once in `ms`. */
export function every(ms: number, report: () => void): () => void {
  let reportedAt = performance.now();
  return () => {
    if (performance.now() - reportedAt < ms) return;
    reportedAt = performance.now();
    report();
  };
}
