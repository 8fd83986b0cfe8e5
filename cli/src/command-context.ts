import { userInfo } from 'node:os';
import { loadConfig, type Environment } from '@notion-mirror/service-kit/config';
import { createLogger } from '@notion-mirror/service-kit/logger';
import type { ExitCode } from './exit-code.ts';
import type { Output, Sink } from './output.ts';
import { operatedEntities } from '@notion-mirror/operations/entities';
import type { ActingContext } from '@notion-mirror/operations/audit/record-action';
import { createRedactor } from '@notion-mirror/operations/secrets';

/** The process around a run, replaceable in tests. */
export interface Surroundings {
  readonly env: Environment;
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
}

/** The dependencies of a command. */
export interface CommandContext extends Surroundings {
  readonly output: Output;
  /** Whether the servers' clients log everything on stderr (`--verbose`), or nothing. */
  readonly isVerbose: boolean;
}

export type Command = (context: CommandContext) => Promise<ExitCode>;

/** Wraps a command as a commander action. */
export type Act = (command: Command) => Promise<void>;

/** A context with a valid configuration, as operations need it. */
export type ConfiguredContext = CommandContext & ActingContext;

/** Throws ConfigError. */
export function configured(context: CommandContext): ConfiguredContext {
  const config = loadConfig(context.env, 'cli');
  const redact = createRedactor(config);
  const logger = createLogger({
    service: 'cli',
    level: context.isVerbose ? 'debug' : 'silent',
    destination: { write: (line: string) => void context.stderr.write(redact(line)) },
  });
  return {
    ...context,
    config,
    entities: operatedEntities,
    clientName: 'notion-mirror-cli',
    logger,
    redact,
    operator: { who: config.operator ?? userName(), via: 'cli' },
    onProgress: (line) => context.output.note(line),
  };
}

/** Of the operating system. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container can run as a user that it has no name for.
    return `user ${process.getuid?.() ?? 'unknown'}`;
  }
}
