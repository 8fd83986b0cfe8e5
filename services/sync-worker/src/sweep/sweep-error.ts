/** The sweep could not be completed; a retry may succeed. */
export class SweepError extends Error {
  override readonly name = 'SweepError';
}
