import { causeOf, connectionHint } from './connection-hint.ts';
import { pino, type DestinationStream, type Logger } from 'pino';

export type { Logger } from 'pino';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

/** JSON lines on stdout (or `destination`), each with `service`, each written before the call returns. Errors are logged by an allow-list of fields. */
export function createLogger(options: { service: string; level: LogLevel; destination?: DestinationStream | undefined }): Logger {
  return pino(
    {
      level: options.level,
      base: { service: options.service },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError },
    },
    options.destination ?? pino.destination({ dest: 1, sync: true }),
  );
}

interface ErrorDescription {
  type: string;
  message: string;
  code?: string | number;
  /** What an operator can fix. */
  hint?: string;
  stack?: string;
  cause?: ErrorDescription;
}

/** Only these fields reach a log: errors from HTTP clients and drivers carry requests, headers and addresses. */
export function describeError(error: unknown, depth = 0): ErrorDescription {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error) };
  const { code } = error as Error & { code?: unknown };
  const cause = causeOf(error);
  const hint = depth === 0 ? connectionHint(error) : null;
  return {
    type: error.name,
    message: error.message,
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    ...(hint === null ? {} : { hint }),
    ...(depth === 0 && error.stack !== undefined ? { stack: error.stack } : {}),
    ...(cause !== undefined && depth < 4 ? { cause: describeError(cause, depth + 1) } : {}),
  };
}
