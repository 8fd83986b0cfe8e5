/** The sweep could not be completed; another try may be. */
export class SweepError extends Error {
  override readonly name = 'SweepError';
}
