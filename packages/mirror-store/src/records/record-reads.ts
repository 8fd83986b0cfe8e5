import type { Document } from 'mongodb';
import { createBatcher } from '../batcher.ts';
import { orUnavailable } from '../errors.ts';
import type { openRecords, RecordDocument } from './record-document.ts';
import { settled, type createStoreMeter } from './store-meter.ts';

/** Reads fields of a record by its key. Simultaneous reads are batched. Rejects with a `StoreUnavailableError`, or what `of` throws. */
export function createRecordReads<T>(options: {
  readonly records: ReturnType<typeof openRecords>;
  readonly meter: ReturnType<typeof createStoreMeter>;
  readonly projection: Document;
  /** Keys in one command. */
  readonly maxOps: number;
  /** `document`: undefined when there is no record. */
  readonly of: (document: RecordDocument | undefined) => T;
}): (key: string) => Promise<T> {
  const { records, meter, projection, maxOps, of } = options;
  return createBatcher<string, T>({
    maxOps,
    maxInFlight: 4,
    run: (keys) =>
      meter.batch('read', keys.length, async () => {
        const found = await orUnavailable('records could not be read', () =>
          records.find({ _id: { $in: [...new Set(keys)] } }, { projection }).toArray(),
        );
        const byKey = new Map(found.map((document) => [document._id, document]));
        return keys.map((key) => settled(() => of(byKey.get(key))));
      }),
  });
}
