/** A scan cannot go on now; it is retried later. */
export class ScanError extends Error {
  override readonly name = 'ScanError';
}
