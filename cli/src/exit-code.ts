import { OperatorError } from '@notion-mirror/operations/operator-error';

/** What a run of `mirror` ends with. Documented in docs/cli.md. */
export const exitCode = {
  ok: 0,
  /** The command failed, or it found a problem. */
  failed: 1,
  /** The command line makes no sense. */
  usage: 2,
  /** EX_CONFIG of sysexits.h: a `MIRROR_*` variable is bad. */
  badConfiguration: 78,
  /** 128 + SIGINT: Ctrl-C. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

/** What makes `mirror` end with 2. */
export function usageError(message: string, remedy?: string): OperatorError {
  return new OperatorError('usage', message, { kind: 'usage', remedy });
}
