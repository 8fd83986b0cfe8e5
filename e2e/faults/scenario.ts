import type { FaultInput } from '@notion-mirror/emulators/http/faults';
import type { Random } from '@notion-mirror/emulators/random';
import type { Customer } from '@notion-mirror/demo/customers';
import type { ServiceName } from '@notion-mirror/demo/service-process';
import type { System } from '@notion-mirror/demo/system';
import type { Cluster } from '@notion-mirror/local-stack/cluster';
import type { Services } from './services.ts';

/** What goes wrong, while the customers go on working. */
export interface Scenario {
  /** For `--only`. */
  readonly name: string;
  /** One line for the report. */
  readonly what: string;
  /** Does the damage. When it resolves, what is still broken is mended (`cluster.heal`, faults cleared, clocks set, services started). */
  readonly damage: (stage: Stage) => Promise<void>;
}

export interface Stage {
  readonly cluster: Cluster;
  readonly system: System;
  readonly services: Services;
  readonly customers: readonly Customer[];
  /** Of this scenario; the life of the customers has a stream of its own. */
  readonly random: Random;
  /** Waits between `low` and `high` milliseconds, as the seed says. */
  readonly between: (low: number, high: number) => Promise<void>;
  /** Injects a fault into Notion's API for every customer's bot; people at Notion's user interface do not notice. */
  readonly notionFault: (fault: Omit<FaultInput, 'token' | 'workspaceId'>) => void;
  /** Notion's clock shows so much more than ours, until the damage is over. */
  readonly skewNotion: (seconds: number) => void;
  /** So many more records on the dead-letter topic are meant to be. */
  readonly expectDeadLetters: (count: number) => void;
  /** Counted in the report. */
  readonly count: (figure: string, by?: number) => void;
  /** Rejects unless `holds` comes true within `withinMs`. */
  readonly until: (what: string, holds: () => boolean | Promise<boolean>, withinMs?: number) => Promise<void>;
}

export const allServices = ['ingress', 'sync-worker', 'delete-worker'] as const satisfies readonly ServiceName[];
