import type { SyncedWork } from '../consume/sync-entity.ts';

/** Nothing is done for the events. */
export function ignored(reason: string): SyncedWork {
  return { kind: 'settled', outcome: 'ignored', reason, trail: null, calls: 0 };
}
