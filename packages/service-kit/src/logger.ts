import { causeOf, connectionHint } from './connection-hint.ts';
import { pino, type DestinationStream, type Logger } from 'pino';

export type { Logger } from 'pino';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

/** How long a line may wait for others to be written with it. */
const lingerMs = 100;

/** JSON lines on stdout (or `destination`), each with `service`. Errors are logged by an allow-list of fields. */
export function createLogger(options: { service: string; level: LogLevel; destination?: DestinationStream | undefined }): Logger {
  return pino(
    {
      level: options.level,
      base: { service: options.service },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError },
    },
    options.destination ?? standardOutput(),
  );
}

/** The stream below in its mode for bytes. Its published types cover text only. */
interface ByteStream {
  write(bytes: Buffer): boolean;
  /** Covers only the lines that fit in the next or current write. With a callback it also calls fsync, which a pipe refuses. */
  flush(flushed?: (error?: Error) => void): void;
  flushSync(): void;
  on(event: 'write', listener: (bytes: number) => void): void;
}

/**
 * Writes the lines of a moment together. pino's `periodicFlush` is not used: its timer wakes a process that logs nothing ten times a second. The lines
 * wait as bytes: as text, they would be joined again for each new line just to be counted, a third of the cost of a line.
 */
function standardOutput(): DestinationStream & { flush(done: (error?: Error) => void): void; flushSync(): void } {
  const options = { dest: 1, sync: false, minLength: 32_768, maxWrite: 65_536, contentMode: 'buffer' } as const;
  const stdout = pino.destination(options) as unknown as ByteStream;
  let taken = 0;
  let written = 0;
  let timer: NodeJS.Timeout | null = null;
  stdout.on('write', (bytes) => (written += bytes));

  function flush(done: (error?: Error) => void, until = taken): void {
    const before = written;
    stdout.flush((error) => {
      // If nothing was written, there was nothing to write or it cannot be written.
      if (written >= until || written === before) done(error);
      else flush(done, until);
    });
  }

  /** Repeats until everything is written: a flush does not cover lines that came during a write. Without a callback, to avoid an fsync each time. */
  function flushSoon(): void {
    timer ??= setTimeout(() => {
      timer = null;
      if (written >= taken) return;
      stdout.flush();
      flushSoon();
    }, lingerMs).unref();
  }

  return {
    write(line) {
      const bytes = Buffer.from(line);
      taken += bytes.length;
      stdout.write(bytes);
      flushSoon();
    },
    flush: (done) => flush(done),
    flushSync: () => stdout.flushSync(),
  };
}

/** Resolves when the lines logged so far have left the process, or cannot leave it. A blocked stdout delays that indefinitely. Never rejects. */
export function flushed(logger: Logger): Promise<void> {
  return new Promise((resolve) => logger.flush(() => resolve()));
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
