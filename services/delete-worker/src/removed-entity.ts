import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import type { EntityStorage } from '@notion-mirror/mirror-store/entity-storage';
import type { Worker } from '@notion-mirror/worker/run-worker';
import type { DecideRemoval } from './remove-entity.ts';

/** A kind of entity that the delete-worker removes. */
export interface RemovedEntity {
  readonly storage: EntityStorage<unknown, object>;
  /** The rule for its deletes. */
  readonly decide: DecideRemoval;
  /** What else goes with an entity; by default nothing. */
  readonly open?: (worker: Worker) => AfterRemoval;
}

/**
 * Runs after the record of the entity with this id has become a tombstone or was found to be one, before the event counts as handled. Rejects with
 * the store's or the log's errors; it is safe to run again.
 */
export type AfterRemoval = (cause: DatabaseEvent, id: string) => Promise<void>;
