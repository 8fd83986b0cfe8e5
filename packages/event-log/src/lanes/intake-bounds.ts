/** What waits or runs, in all and on one partition. Bytes are about what the records take in memory. */
export interface Load {
  readonly records: number;
  readonly bytes: number;
}

/** A paused partition goes on when it is this far below where it was stopped. */
const resumeAt = 0.8;

/** A partition may hold so many times what is still free. */
const share = 4;

/**
 * Whether a partition may take more records: as long as it holds less than four times what is still free in all. So one partition alone can fill four fifths of
 * the bound, two four ninths each, and whatever the others do, a partition that holds little goes on. In all never more than the bound and
 * what one fetch brings.
 */
export function shouldPause(partition: Load, total: Load, bound: Load, isPaused: boolean): boolean {
  const allowed = share * (1 - Math.max(total.records / bound.records, total.bytes / bound.bytes));
  const held = Math.max(partition.records / bound.records, partition.bytes / bound.bytes);
  return held >= (isPaused ? allowed * resumeAt : allowed);
}
