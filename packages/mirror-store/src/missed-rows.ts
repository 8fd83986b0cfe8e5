import type { Db } from 'mongodb';
import { openCollection } from './collections.ts';
import { orUnavailable } from './errors.ts';
import type { SwitchDocument } from './rows-switch.ts';

/** Notes that this process does nothing for rows, since MIRROR_ROWS is off for it. */
export interface MissedRows {
  /**
   * To be awaited before an event is answered or handled that would have changed something about rows. Resolves when it is durable until when that may
   * happen, a few seconds from now: so it hardly ever writes, and a crash takes nothing back. Rejects with a `StoreUnavailableError`.
   */
  note(): Promise<void>;
}

const aheadMs = 10_000;
const renewAfterMs = 5_000;

/** `now`: milliseconds of a clock that never goes back. */
export function openMissedRows(db: Db, now: () => number = () => performance.now()): MissedRows {
  const switches = openCollection<SwitchDocument>(db, 'switches');
  let isNotedUntil = Number.NEGATIVE_INFINITY;
  let writing: Promise<void> | null = null;

  async function write(): Promise<void> {
    const began = now();
    const until = { $max: ['$until', { $add: ['$$NOW', aheadMs] }] };
    await orUnavailable('it could not be noted that events about rows are missed', () =>
      switches.updateOne({ _id: 'rows_missed' }, [{ $set: { until } }], { upsert: true }),
    );
    isNotedUntil = began + renewAfterMs;
  }

  return {
    async note() {
      if (now() < isNotedUntil) return;
      writing ??= write().finally(() => {
        writing = null;
      });
      await writing;
    },
  };
}
