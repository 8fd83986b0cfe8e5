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

/** By MongoDB's clock. `forMs`: how long ago that was. */
export interface SwitchedOn {
  readonly since: Date;
  readonly forMs: number;
}

interface SwitchDocument {
  readonly _id: 'rows';
  readonly since: Date;
}

export function openRowsSwitch(db: Db): RowsSwitch {
  const switches = openCollection<SwitchDocument>(db, 'switches');

  const read = (): Promise<SwitchedOn | null> =>
    orUnavailable('the switch of rows could not be read', () =>
      switches.findOne<SwitchedOn>({ _id: 'rows' }, { projection: { _id: 0, since: 1, forMs: { $subtract: ['$$NOW', '$since'] } } }),
    );

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
