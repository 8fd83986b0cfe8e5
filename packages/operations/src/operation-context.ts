import type { Config } from '@notion-mirror/service-kit/config';
import type { Logger } from '@notion-mirror/service-kit/logger';
import type { AnyEntity } from './operated-entity.ts';

/** The environment of an operation, whether a command line, a console or a test runs it. */
export interface OperationContext {
  readonly config: Config<'cli' | 'console'>;
  /** The kinds of entities that the mirror keeps. */
  readonly entities: readonly AnyEntity[];
  /** The client name shown by Kafka and MongoDB, e.g. `notion-mirror-cli`. */
  readonly clientName: string;
  /** For the servers' clients. */
  readonly logger: Logger;
  /** Aborts the operation. */
  readonly signal: AbortSignal;
  /** Replaces the configured secrets in a text. */
  readonly redact: (text: string) => string;
  /** Called with one line on the progress of a long operation, for a person. */
  readonly onProgress: (line: string) => void;
}
