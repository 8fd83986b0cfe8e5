import { ConfigError } from '@notion-mirror/service-kit/config';
import { messageOf } from '@notion-mirror/operations/error-text';
import { OperatorError, type OperatorErrorKind } from '@notion-mirror/operations/operator-error';
import { exitCode, type ExitCode } from './exit-code.ts';
import type { ErrorReport } from './output.ts';

const exitCodes: Readonly<Record<OperatorErrorKind, ExitCode>> = {
  failed: exitCode.failed,
  usage: exitCode.usage,
  bad_configuration: exitCode.badConfiguration,
};

/** The report shown to an operator when a command throws, and the exit code. */
export function explainError(error: unknown): ErrorReport & { readonly exitCode: ExitCode } {
  if (error instanceof OperatorError) {
    const { code, message, remedy, kind } = error;
    return { code, message, remedy, exitCode: exitCodes[kind] };
  }
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
