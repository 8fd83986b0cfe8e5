import { databases } from './databases/databases.ts';
import type { AnyMirrored } from './mirrored-entity.ts';

/** The kinds that the sync-worker mirrors. Of those that claim an event, the first one handles it. */
export const mirroredEntities: readonly AnyMirrored[] = [databases];
