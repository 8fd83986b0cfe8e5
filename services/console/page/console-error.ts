/** A failure in the operator's words, as the command line prints it. `remedy`: what to do; null when there is nothing to suggest. */
export class ConsoleError extends Error {
  override readonly name = 'ConsoleError';
  readonly code: string;
  readonly remedy: string | null;
  /** Of HTTP; null when there was no answer. */
  readonly status: number | null;

  constructor(code: string, message: string, { remedy = null, status = null, cause }: Details = {}) {
    super(message, { cause });
    this.code = code;
    this.remedy = remedy;
    this.status = status;
  }

  static of(error: unknown): ConsoleError {
    if (error instanceof ConsoleError) return error;
    if (error instanceof TypeError && unloadable.test(error.message)) {
      return new ConsoleError('page_unavailable', 'A part of this page could not be loaded.', {
        remedy: 'The console may be restarting, or have been updated. Reload the page.',
        cause: error,
      });
    }
    return new ConsoleError('page_failed', error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** A chunk that does not come, as Chromium, Firefox and Safari say it. */
const unloadable = /dynamically imported module|importing a module script failed/i;

interface Details {
  readonly remedy?: string | null;
  readonly status?: number | null;
  readonly cause?: unknown;
}
