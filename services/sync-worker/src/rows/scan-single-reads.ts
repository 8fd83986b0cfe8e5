import type { Connection } from '@notion-mirror/domain/connection';
import type { SingleRead } from '@notion-mirror/domain/apply-query';
import type { Clock } from '@notion-mirror/service-kit/async/clock';
import { createLimiter } from '@notion-mirror/service-kit/async/limiter';
import type { IfUnreadable, ReadRowSingly } from './read-row-singly.ts';
import { ScanError } from './scan-error.ts';
import type { ScanNotes } from './scan-notes.ts';

const atOnce = 4;
/** Attempts at one row, not counting waits for the budget. */
const attempts = 6;

/** Reads rows singly, and notes those that cannot be read or stored. Rejects with ScanError, the errors of the store and the log, or the signal's reason. */
export type ReadAllSingly = (connection: Connection, reads: readonly SingleRead[], ifUnreadable: IfUnreadable) => Promise<void>;

export function createSingleReads(
  deps: { readonly readRowSingly: ReadRowSingly; readonly clock: Clock },
  scan: { readonly dataSourceId: string; readonly scanId: string; readonly notes: ScanNotes },
  signal: AbortSignal,
): ReadAllSingly {
  const { readRowSingly, clock } = deps;
  const { dataSourceId, scanId, notes } = scan;

  async function readOne(connection: Connection, { id, event }: SingleRead, ifUnreadable: IfUnreadable): Promise<void> {
    for (let attempt = 1; ;) {
      signal.throwIfAborted();
      const end = await readRowSingly(
        { pageId: id, dataSourceId, connection, event, scanId, attempt, ifUnreadable, onChange: () => notes.changed() },
        signal,
      );
      switch (end.kind) {
        case 'skipped':
          return notes.settled(id);
        case 'settled':
          notes.counts.readSingly += 1;
          return notes.settled(id);
        case 'kept':
          notes.counts.readSingly += 1;
          return notes.foundUnreadable(id);
        case 'unwritable':
          return notes.failedFor(id, end.message);
        case 'failed':
          return notes.failedFor(id, end.failure.message);
        case 'no_active_connection':
          throw new ScanError('no connection of the tenant is active');
        case 'retry':
          if (end.failure.class !== 'rate_limited') attempt += 1;
          if (attempt > attempts) throw new ScanError(`a row cannot be read: ${end.failure.message}`);
          await clock.sleep(end.at - clock.now(), signal);
      }
    }
  }

  return async (connection, reads, ifUnreadable) => {
    const limiter = createLimiter(() => atOnce);
    for (const read of reads) await limiter.begin(() => readOne(connection, read, ifUnreadable));
    await limiter.end();
  };
}
