import type { FaultInput } from '@notion-mirror/emulators/http/faults';
import type { Random } from '@notion-mirror/emulators/random';
import type { Customer } from '@notion-mirror/demo/customers';
import type { ServiceName } from '@notion-mirror/demo/service-process';
import type { System } from '@notion-mirror/demo/system';
import type { Cluster } from '@notion-mirror/local-stack/cluster';
import type { Services } from './services.ts';

/** A fault injected while customers keep working. */
export interface Scenario {
  /** For `--only`. */
  readonly name: string;
  /** One line for the report. */
  readonly what: string;
  /** Does the damage. When it resolves, the theatre repairs the rest (`cluster.heal`, faults cleared, clocks set, services started). */
  readonly damage: (stage: Stage) => Promise<void>;
}

export interface Stage {
  readonly cluster: Cluster;
  readonly system: System;
  readonly services: Services;
  readonly customers: readonly Customer[];
  /** This scenario's random stream; the customers have their own. */
  readonly random: Random;
  /** Waits between `low` and `high` milliseconds, chosen by the seed. */
  readonly between: (low: number, high: number) => Promise<void>;
  /** Injects a fault into Notion's API for every customer's bot. Users of Notion's own interface are unaffected. */
  readonly notionFault: (fault: Omit<FaultInput, 'token' | 'workspaceId'>) => void;
  /** Sets Notion's clock this many seconds ahead of ours until the damage is over. */
  readonly skewNotion: (seconds: number) => void;
  /** Expects this many more records on the dead-letter topic. */
  readonly expectDeadLetters: (count: number) => void;
  /** Counted in the report. */
  readonly count: (figure: string, by?: number) => void;
  /** Rejects unless `holds` comes true within `withinMs`. */
  readonly until: (what: string, holds: () => boolean | Promise<boolean>, withinMs?: number) => Promise<void>;
}

export const allServices = ['ingress', 'sync-worker', 'delete-worker'] as const satisfies readonly ServiceName[];
