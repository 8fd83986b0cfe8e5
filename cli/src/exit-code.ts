import { OperatorError } from '@notion-mirror/operations/operator-error';

/** The exit codes of `mirror`. Documented in docs/cli.md. */
export const exitCode = {
  ok: 0,
  /** The command failed, or it found a problem. */
  failed: 1,
  /** The command line is invalid. */
  usage: 2,
  /** EX_CONFIG of sysexits.h: a `MIRROR_*` variable is invalid. */
  badConfiguration: 78,
  /** 128 + SIGINT: Ctrl-C. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

/** The error that makes `mirror` exit with 2. */
export function usageError(message: string, remedy?: string): OperatorError {
  return new OperatorError('usage', message, { kind: 'usage', remedy });
}
