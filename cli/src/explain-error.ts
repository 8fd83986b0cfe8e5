import { describeError } from '@notion-mirror/service-kit/logger';
import { ConfigError } from '@notion-mirror/service-kit/config';
import { CliError, exitCode, type ExitCode } from './exit-code.ts';
import { oneLine, type ErrorReport } from './output.ts';

/** What an operator reads when a command throws, and what the process exits with. */
export function explainError(error: unknown): ErrorReport & { readonly exitCode: ExitCode } {
  if (error instanceof CliError) return { code: error.code, message: error.message, remedy: error.remedy, exitCode: error.exitCode };
  if (error instanceof ConfigError) {
    return {
      code: 'bad_configuration',
      message: error.message,
      remedy: 'mirror config check',
      exitCode: exitCode.badConfiguration,
    };
  }
  return { code: 'failed', message: messageOf(error), remedy: null, exitCode: exitCode.failed };
}

/** An error's message and those of its causes that say something new, on one line. */
export function messageOf(error: unknown): string {
  const messages: string[] = [];
  for (let at: ReturnType<typeof describeError> | undefined = describeError(error); at !== undefined; at = at.cause) {
    const text = at.message === '' ? `${at.code ?? at.type}` : at.message;
    if (!messages.some((message) => message.includes(text))) messages.push(text);
  }
  return oneLine(messages.join(': '));
}

/** What a server's client says, for a sentence that has named the server already. */
export function serverMessage(error: unknown): string {
  return messageOf(error).replace(/^schema registry \S+: |^MongoDB cannot be reached: /, '');
}
