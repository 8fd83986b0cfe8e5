import type { Config } from '@notion-mirror/service-kit/config';
import type { Logger } from '@notion-mirror/service-kit/logger';
import type { AnyEntity } from './operated-entity.ts';

/** What an operation works with. A command line, a console or a test may ask for it. */
export interface OperationContext {
  readonly config: Config<'cli'>;
  /** The kinds of entities that the mirror keeps. */
  readonly entities: readonly AnyEntity[];
  /** Kafka and MongoDB show their clients under this name, e.g. `notion-mirror-cli`. */
  readonly clientName: string;
  /** What the servers' clients log. */
  readonly logger: Logger;
  /** Ends the operation. */
  readonly signal: AbortSignal;
  /** Takes the configured secrets out of a text. */
  readonly redact: (text: string) => string;
  /** One line about how far a long operation is, for a person who waits. */
  readonly onProgress: (line: string) => void;
}
