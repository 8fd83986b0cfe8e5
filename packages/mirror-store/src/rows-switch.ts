import type { Db } from 'mongodb';
import { openCollection } from './collections.ts';
import { orUnavailable } from './errors.ts';
import { everyWorkerCan } from './worker-status.ts';

/**
 * The switch that lets rows into the log. A worker of version 0.1.0 consumes an event about a row without acting on it, so none may be appended
 * while one runs. Once on, it stays on: no outage and no missing status turns it off. All reject with a `StoreUnavailableError`.
 */
export interface RowsSwitch {
  /** Null: it is off. */
  read(): Promise<SwitchedOn | null>;
  /** Turns it on if workers of both kinds have reported and all know rows. The same result as `read`. */
  turnOnWhenPossible(): Promise<SwitchedOn | null>;
}

/** By MongoDB's clock. */
export interface SwitchedOn {
  /** Since when no event about a row has been missed; later than now while a process with MIRROR_ROWS=off misses some. */
  readonly since: Date;
  /** How long ago that was; negative if it is later than now. */
  readonly forMs: number;
}

/** `since`: when the switch was turned on. `until`: until when processes with MIRROR_ROWS=off may miss events, see missed-rows.ts. */
export type SwitchDocument = { readonly _id: 'rows'; readonly since: Date } | { readonly _id: 'rows_missed'; readonly until: Date };

export function openRowsSwitch(db: Db): RowsSwitch {
  const switches = openCollection<SwitchDocument>(db, 'switches');

  const read = (): Promise<SwitchedOn | null> =>
    orUnavailable('the switch of rows could not be read', async () => {
      const found = await switches
        .find<SwitchDocument & { readonly now: Date }>({}, { projection: { since: 1, until: 1, now: '$$NOW' } })
        .toArray();
      const on = found.find((one) => one._id === 'rows');
      if (on === undefined) return null;
      const missed = found.find((one) => one._id === 'rows_missed');
      const since = missed !== undefined && missed.until > on.since ? missed.until : on.since;
      return { since, forMs: on.now.getTime() - since.getTime() };
    });

  return {
    read,
    async turnOnWhenPossible() {
      const on = await read();
      if (on !== null || !(await everyWorkerCan(db, 'rows'))) return on;
      await orUnavailable('the switch of rows could not be turned on', () =>
        switches.updateOne({ _id: 'rows' }, [{ $set: { since: { $ifNull: ['$since', '$$NOW'] } } }], { upsert: true }),
      );
      return read();
    },
  };
}
