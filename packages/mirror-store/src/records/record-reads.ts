import type { Span } from '@notion-mirror/service-kit/tracing/tracing';
import type { Document } from 'mongodb';
import { createBatcher } from '../batcher.ts';
import { orUnavailable } from '../errors.ts';
import type { openRecords, RecordDocument } from './record-document.ts';
import { noteBatch } from './store-spans.ts';
import { settled, type createStoreMeter } from './store-meter.ts';

interface RecordRead {
  readonly key: string;
  readonly span: Span | null;
}

/** Reads fields of a record by its key. Simultaneous reads are batched. Rejects with a `StoreUnavailableError`, or what `of` throws. */
export function createRecordReads<T>(options: {
  readonly records: ReturnType<typeof openRecords>;
  readonly meter: ReturnType<typeof createStoreMeter>;
  readonly projection: Document;
  /** Keys in one command. */
  readonly maxOps: number;
  /** `document`: undefined when there is no record. */
  readonly of: (document: RecordDocument | undefined) => T;
}): (read: RecordRead) => Promise<T> {
  const { records, meter, projection, maxOps, of } = options;
  return createBatcher<RecordRead, T>({
    maxOps,
    maxInFlight: 4,
    run: (reads) =>
      meter.batch('read', reads.length, async () => {
        noteBatch(reads);
        const found = await orUnavailable('records could not be read', () =>
          records.find({ _id: { $in: [...new Set(reads.map(({ key }) => key))] } }, { projection }).toArray(),
        );
        const byKey = new Map(found.map((document) => [document._id, document]));
        return reads.map(({ key }) => settled(() => of(byKey.get(key))));
      }),
  });
}
