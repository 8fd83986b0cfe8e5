import type { StateCodec } from '@notion-mirror/event-log/state-codec';
import { toStateRecord, type StateRecord } from '@notion-mirror/event-log/state-record';
import type { RecordChange } from '@notion-mirror/mirror-store/records/record-changes';

const maxRecords = 500;
const maxBytes = 8 * 1024 * 1024;

/** Records to append to the state log together. */
export interface StateBatch<Content> {
  add(change: Extract<RecordChange<Content>, { kind: 'state' }>): void;
  isFull(): boolean;
  /** When the oldest change in it was applied; null when it is empty. */
  oldest(): Date | null;
  /** Returns the records and empties the batch. */
  take(): readonly StateRecord[];
}

export function createStateBatch<Content>(codec: Pick<StateCodec<Content>, 'encode'>): StateBatch<Content> {
  let records: StateRecord[] = [];
  let bytes = 0;
  let since: Date | null = null;
  return {
    add({ state, at }) {
      const record = toStateRecord(state, codec);
      records.push(record);
      bytes += record.value?.length ?? 0;
      since ??= at;
    },
    isFull: () => records.length >= maxRecords || bytes >= maxBytes,
    oldest: () => since,
    take() {
      const taken = records;
      records = [];
      bytes = 0;
      since = null;
      return taken;
    },
  };
}
