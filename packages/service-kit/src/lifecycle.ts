import { constants } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Logger } from './logger.ts';

/** What a composition root gets. It registers how to stop each part right after starting it. */
export interface ServiceScope {
  /** Stops run in reverse order of registration. */
  onStop(name: string, stop: () => Promise<void> | void): void;
  /** The service cannot go on: stop in order, exit 1. */
  fatal(error: unknown): void;
  /** Aborts when the service is asked to stop. */
  readonly signal: AbortSignal;
}

/**
 * Runs one service in this process. `start` builds and starts its parts; SIGTERM or SIGINT stops them in reverse order and exits 0.
 * A failed start stops the parts that had started and exits 1. If stopping takes longer than `shutdownMs`, the process names the part that
 * hangs and exits 1; a second signal exits at once. Uncaught errors are fatal, since the state they leave is unknown.
 */
export function runService(
  options: { name: string; logger: Logger; shutdownMs: number },
  start: (scope: ServiceScope) => Promise<void>,
): void {
  const { logger } = options;
  const stops: { name: string; stop: () => Promise<void> | void }[] = [];
  const aborter = new AbortController();
  let stopping = false;

  const shutdown = async (exitCode: number, why: string): Promise<void> => {
    if (stopping) return;
    stopping = true;
    logger.info({ why }, 'stopping');
    let current = '';
    const deadline = setTimeout(() => {
      logger.fatal({ part: current, shutdownMs: options.shutdownMs }, 'a part did not stop in time');
      process.exit(1);
    }, options.shutdownMs);
    aborter.abort(new Error(`stopping: ${why}`));
    let failed = false;
    for (const { name, stop } of stops.toReversed()) {
      current = name;
      try {
        await stop();
      } catch (error) {
        failed = true;
        logger.error({ err: error, part: name }, 'a part did not stop cleanly');
      }
    }
    clearTimeout(deadline);
    logger.info('stopped');
    process.exit(failed && exitCode === 0 ? 1 : exitCode);
  };

  const hasStarted = (): void => {
    logger.info('started');
    setTimeout(collectGarbage, 1_000).unref();
  };

  const fatal = (error: unknown): void => {
    logger.fatal({ err: error }, 'cannot go on');
    void shutdown(1, 'fatal error');
  };

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) process.exit(128 + constants.signals[signal]);
      void shutdown(0, signal);
    });
  }
  process.on('uncaughtException', fatal);
  process.on('unhandledRejection', fatal);

  start({ onStop: (name, stop) => stops.push({ name, stop }), fatal, signal: aborter.signal }).then(hasStarted, (error: unknown) => {
    if (!stopping) fatal(error);
  });
}

/**
 * perf: frees the garbage of loading, which a quiet service keeps for hours: 125, 137 and 125 MB for the three, not 140, 152 and 140 (commit 264832e); the
 * targets for idle services need it. Remove when V8 does so by itself.
 */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  // The second frees what the first made unreachable.
  collect();
  collect();
}
