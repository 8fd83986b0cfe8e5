import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import { openContentsReports } from '@notion-mirror/mirror-store/contents-reports';
import { openDataSourceContents } from '@notion-mirror/mirror-store/data-source-contents';
import type { HeldSource } from '@notion-mirror/mirror-store/entities/held-sources';
import { openRowRecords } from '@notion-mirror/mirror-store/entities/row-records';
import { rowStorage } from '@notion-mirror/mirror-store/entities/row';
import { createLiveRowsOf, removeLiveRows } from '@notion-mirror/mirror-store/entities/rows-of-source';
import { createRecordStore } from '@notion-mirror/mirror-store/records/record-store';
import { Registry } from '@notion-mirror/service-kit/metrics';
import type { OperationContext } from '../operation-context.ts';
import { OperatorError } from '../operator-error.ts';
import { every } from '../progress.ts';
import { count } from '../text.ts';

export interface RowsOffPlan {
  readonly source: HeldSource;
  /** The rows that would be erased. */
  readonly rows: { readonly live: number; readonly archived: number };
  readonly isOff: boolean;
}

const pollMs = 500;
/** Consecutive checks that must find no row. */
const quietChecks = 3;
const progressMs = 5_000;

/** Rejects with an OperatorError when the mirror does not follow the rows of the data source. */
export async function planRowsOff(db: Mongo['db'], source: HeldSource): Promise<RowsOffPlan> {
  const contents = await openContentsReports(db).read(source);
  if (contents === null) throw notFollowed(source);
  return { source, rows: await openRowRecords(db).count(source), isOff: contents.state === 'off' };
}

/**
 * Ends the scans of a data source and erases its rows: each becomes a tombstone, so that no write in flight brings it back. Resolves to their number when
 * no more came for a while. Safe to run again.
 */
export async function turnRowsOff({ signal, onProgress }: OperationContext, db: Mongo['db'], { source }: RowsOffPlan): Promise<number> {
  if (!(await openDataSourceContents(db).turnOff(source))) throw notFollowed(source);
  const records = createRecordStore(rowStorage, { db, metrics: new Registry() });
  const liveRowsOf = createLiveRowsOf(db);
  const eventId = `mirror.rows_off:${randomUUID()}`;
  let erased = 0;
  const report = every(progressMs, () => onProgress(`${count(erased, 'row')} erased`));
  for (let quiet = 0; quiet < quietChecks;) {
    const removal = { source, reason: 'data_source_removed', eventId, now: Date.now } as const;
    const removed = await removeLiveRows({ records, liveRowsOf }, removal, signal, (some) => {
      erased += some;
      report();
    });
    quiet = removed === 0 ? quiet + 1 : 0;
    await delay(pollMs, undefined, { signal });
  }
  return erased;
}

/** Wants the first backfill of a data source whose rows are off. Resolves to whether they were. Rejects with an OperatorError as `planRowsOff` does. */
export async function turnRowsOn(db: Mongo['db'], source: HeldSource): Promise<boolean> {
  if (await openDataSourceContents(db).turnOn(source)) return true;
  if ((await openContentsReports(db).read(source)) === null) throw notFollowed(source);
  return false;
}

function notFollowed({ dataSourceId, databaseId }: HeldSource): OperatorError {
  const message = `the mirror does not follow the rows of the data source ${dataSourceId} yet, or MIRROR_ROWS is off`;
  return new OperatorError('not_followed', message, {
    remedy: `it does after the next sync of its database: mirror explain ${databaseId}`,
  });
}
