/** `usage`: the request makes no sense. `bad_configuration`: a `MIRROR_*` variable is missing or wrong. `failed`: everything else. */
export type OperatorErrorKind = 'failed' | 'usage' | 'bad_configuration';

/** A failure described for the operator, with a remedy. Never contains a secret. */
export class OperatorError extends Error {
  override readonly name = 'OperatorError';
  readonly kind: OperatorErrorKind;
  /** A stable identifier for machines, e.g. `unknown_connection`. */
  readonly code: string;
  /** A command or variable that fixes it; null: none is known. */
  readonly remedy: string | null;

  constructor(code: string, message: string, options: { kind?: OperatorErrorKind; remedy?: string | undefined; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.kind = options.kind ?? 'failed';
    this.remedy = options.remedy ?? null;
  }
}
