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

/** A failure with words for the operator: what is wrong, and how to mend it. Never holds a secret. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: ExitCode;
  /** A stable word for machines, e.g. `unknown_connection`. */
  readonly code: string;
  /** A command or a variable that mends it. */
  readonly remedy: string | null;

  constructor(code: string, message: string, options: { exitCode?: ExitCode; remedy?: string | undefined; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.exitCode = options.exitCode ?? exitCode.failed;
    this.remedy = options.remedy ?? null;
  }
}

export function usageError(message: string, remedy?: string): CliError {
  return new CliError('usage', message, { exitCode: exitCode.usage, remedy });
}
