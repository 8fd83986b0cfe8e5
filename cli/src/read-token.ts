import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { isUsableToken } from '@notion-mirror/notion-source/nango-credentials';
import { OperatorError } from '@notion-mirror/operations/operator-error';
import { usageError } from './exit-code.ts';

/** Reads a Notion token from a file, or from stdin for `-`, without its line break. Errors never quote the token, nor a path that looks like one. */
export async function readToken(path: string, stdin: NodeJS.ReadableStream): Promise<string> {
  const token = (path === '-' ? await text(stdin) : await readText(path)).trim();
  if (token === '') throw usageError(`there is no token ${path === '-' ? 'on stdin' : `in ${path}`}`);
  if (!isUsableToken(token)) throw usageError('a token is one line of printable ASCII; the input is not');
  return token;
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (/^(ntn|secret)_/.test(path)) throw usageError('--token-file takes the path of a file that holds the token, not the token');
    throw new OperatorError('token_unreadable', `the token cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}
