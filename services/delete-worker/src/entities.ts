import { databaseStorage } from '@notion-mirror/mirror-store/entities/database';
import type { EntityStorage } from '@notion-mirror/mirror-store/entity-storage';

/** The kinds that the delete-worker removes. Of those that claim an event, the first one handles it. */
export const removedEntities: readonly EntityStorage<unknown, object>[] = [databaseStorage];
