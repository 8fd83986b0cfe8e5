import { databases } from './databases/databases.ts';
import type { AnyMirrored } from './mirrored-entity.ts';
import { rows } from './rows/rows.ts';

/** The kinds that the sync-worker mirrors. The first kind that claims an event handles it. */
export const mirroredEntities: readonly AnyMirrored[] = [rows, databases];
