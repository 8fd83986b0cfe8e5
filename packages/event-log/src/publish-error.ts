/**
 * - `deadline`: not acknowledged in time. The record may still land, or not.
 * - `full`: too many records wait already.
 * - `refused`: no broker will ever take this record (too large, not allowed).
 * - `stopped`: the publisher is stopping.
 */
export type PublishFailure = 'deadline' | 'full' | 'refused' | 'stopped';

export class PublishError extends Error {
  override readonly name = 'PublishError';
  readonly reason: PublishFailure;

  constructor(reason: PublishFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
