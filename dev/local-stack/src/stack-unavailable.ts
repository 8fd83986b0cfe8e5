/** The stack cannot be started here. The message tells the user what is missing or went wrong, and how to fix it. */
export class StackUnavailableError extends Error {
  override readonly name: string = 'StackUnavailableError';
}
