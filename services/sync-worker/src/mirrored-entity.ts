import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import type { EntityKind } from '@notion-mirror/domain/entity';
import type { Work } from '@notion-mirror/event-log/lanes/work';
import type { StateContract } from '@notion-mirror/event-log/state-contract';
import type { EntityStorage } from '@notion-mirror/mirror-store/entity-storage';
import type { NotionSource } from '@notion-mirror/notion-source/notion-source';
import type { Config } from '@notion-mirror/service-kit/config';
import type { Worker } from '@notion-mirror/worker/run-worker';
import type { RowFloods } from './consume/floods.ts';
import type { SyncedWork } from './consume/sync-entity.ts';
import type { OpenDatabases } from './databases/open-databases.ts';
import type { Comparison, SweepTools } from './sweep/sweep-tools.ts';

/** A kind of entity that the sync-worker keeps up to date. */
export interface MirroredEntity<Content, Outline extends object> {
  readonly storage: EntityStorage<Content, Outline>;
  readonly states: StateContract<Content>;
  open(worker: Worker, notion: NotionSource, config: Config<'sync-worker'>, databases: OpenDatabases): OpenEntity;
}

/** A kind of entity in a running worker. */
export interface OpenEntity {
  readonly kind: EntityKind;
  /**
   * Brings the entity or part named by the events of one task up to date. `newest`: the event received last; one fetch answers all. Rejects with
   * the store's errors or the reason of the work's signal.
   */
  sync(work: Work<DatabaseEvent>, newest: DatabaseEvent): Promise<SyncedWork>;
  /** Handles many waiting events about the rows of one data source. */
  readonly rowFloods?: RowFloods;
  /**
   * Compares a tenant's entities with Notion. Calls `tools.sync` for each difference; entities missing from Notion are in the result. Rejects with
   * SweepError, the store's errors or the signal's reason.
   */
  compare(tools: SweepTools): Promise<Comparison>;
}

/** Any kind. */
export type AnyMirrored = MirroredEntity<unknown, object>;
