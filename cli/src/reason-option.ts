import { Option } from 'commander';
import { usageError } from './exit-code.ts';

const longest = 500;

/** For every command that changes something. */
export interface ReasonOptions {
  readonly reason?: string;
}

export function reasonFlag(): Option {
  return new Option('--reason <text>', 'why, for the audit trail: see `mirror audit list`');
}

/** Null when none was given. */
export function reasonOption({ reason }: ReasonOptions): string | null {
  const text = reason?.trim() ?? '';
  if (text.length > longest) throw usageError(`--reason takes at most ${longest} characters`);
  return text === '' ? null : text;
}
