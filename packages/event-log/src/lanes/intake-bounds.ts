/** Records that wait or run, in all or of one partition, and approximately the memory they take. */
export interface Load {
  readonly records: number;
  readonly bytes: number;
}

/** A paused partition resumes when it holds this part of what it was paused at. */
const resumeAt = 0.8;

/** A partition may hold this many times what is still free. */
const share = 4;

/**
 * Whether a partition must be paused: when it holds four times what is still free in all. So one partition alone can fill four fifths of the
 * bound, two can fill four ninths each, and a partition that holds little is never paused because of the others. In all they never hold more
 * than the bound and one fetch.
 */
export function shouldPause(partition: Load, total: Load, bound: Load, isPaused: boolean): boolean {
  const allowed = share * (1 - Math.max(total.records / bound.records, total.bytes / bound.bytes));
  const held = Math.max(partition.records / bound.records, partition.bytes / bound.bytes);
  return held >= (isPaused ? allowed * resumeAt : allowed);
}
