/** The stack cannot be started here; the message is for the user: what is missing, or what went wrong, and what to do about it. */
export class StackUnavailableError extends Error {
  override readonly name: string = 'StackUnavailableError';
}
