import { describeError } from '@notion-mirror/service-kit/logger';
import { oneLine } from './text.ts';

/** An error's message and those of its causes that add something, on one line. */
export function messageOf(error: unknown): string {
  const messages: string[] = [];
  for (let at: ReturnType<typeof describeError> | undefined = describeError(error); at !== undefined; at = at.cause) {
    const text = at.message === '' ? `${at.code ?? at.type}` : at.message;
    if (!messages.some((message) => message.includes(text))) messages.push(text);
  }
  return oneLine(messages.join(': '));
}

/** The message of a server's client, for a sentence that already names the server. */
export function serverMessage(error: unknown): string {
  return messageOf(error).replace(/^schema registry \S+: |^MongoDB cannot be reached: /, '');
}
