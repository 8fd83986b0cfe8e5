import { decideRowDelete } from '@notion-mirror/domain/query-rule';
import { decideDelete } from '@notion-mirror/domain/write-rule';
import { databaseStorage } from '@notion-mirror/mirror-store/entities/database';
import { rowStorage } from '@notion-mirror/mirror-store/entities/row';
import { followDependents } from './follow-dependents.ts';
import { removeDataSources } from './remove-data-sources.ts';
import type { RemovedEntity } from './removed-entity.ts';

/** The kinds that the delete-worker removes. Of those that claim an event, the first one handles it. */
export const removedEntities: readonly RemovedEntity[] = [
  { storage: rowStorage, decide: decideRowDelete, open: followDependents },
  { storage: databaseStorage, decide: decideDelete, open: removeDataSources },
];
