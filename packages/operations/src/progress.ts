/** A throttled `report`: calls within the first `ms` do nothing, later ones at most once per `ms`. */
export function every(ms: number, report: () => void): () => void {
  let reportedAt = performance.now();
  return () => {
    if (performance.now() - reportedAt < ms) return;
    reportedAt = performance.now();
    report();
  };
}
