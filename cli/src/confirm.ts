import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import type { CommandContext } from './command-context.ts';
import { OperatorError } from '@notion-mirror/operations/operator-error';
import { usageError } from './exit-code.ts';

/**
 * Asks the operator for confirmation at a terminal, where Enter means no. Without a terminal a script must confirm explicitly: throws a usage
 * error that names `--yes` and the command. `question` is one sentence without the answers.
 */
async function isConfirmed({ stdin, output, signal }: CommandContext, command: string, question: string): Promise<boolean> {
  if (stdin.isTTY !== true || output.isJson) throw usageError(`${command} needs --yes when there is no terminal to ask at`);
  // Not in terminal mode, so that Ctrl-C stays a signal to the process.
  const prompt = createInterface({ input: stdin, output: process.stderr, terminal: false });
  try {
    const asked = prompt.question(`${question} [y/N] `, { signal });
    const answer = await Promise.race([asked, once(prompt, 'close').then(() => 'no')]);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    prompt.close();
  }
}

/** Resolves with `--yes` or when the operator agrees; otherwise throws "nothing was <done>". */
export async function confirm(
  context: CommandContext,
  {
    yes,
    command,
    question,
    done,
  }: { readonly yes: boolean | undefined; readonly command: string; readonly question: string; readonly done: string },
): Promise<void> {
  if (yes !== true && !(await isConfirmed(context, command, question))) throw new OperatorError('not_confirmed', `nothing was ${done}`);
}
