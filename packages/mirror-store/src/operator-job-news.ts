import type { Logger } from '@notion-mirror/service-kit/logger';
import type { Db, Timestamp } from 'mongodb';
import { openCollection } from './collections.ts';
import { isUnauthorized, unavailable } from './errors.ts';
import { keepFollowing } from './keep-following.ts';

/** An empty answer costs a request, and news does not wait for it. */
const maxAwaitMs = 10_000;

/** A job has begun, or its holder is another one or none. Progress, which is stored each second, is no news. */
const newHolders = [
  {
    $match: {
      $or: [
        { operationType: 'insert', 'fullDocument.job': { $exists: true } },
        {
          operationType: 'update',
          // The name of one field, which holds a dot.
          $expr: { $ne: [{ $type: { $getField: { field: 'job.holder', input: '$updateDescription.updatedFields' } } }, 'missing'] },
        },
      ],
    },
  },
  { $project: { _id: 1 } },
];

/**
 * Calls back when a job has got another holder or none, by one change stream, until `signal` aborts; and at the start and after each interruption, since that
 * may have been missed. Retries while MongoDB is unavailable. Rejects only with a `StoreUnavailableError` that `isUnauthorized`.
 */
export async function followJobs(deps: {
  readonly db: Db;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly onNews: () => void;
}): Promise<void> {
  const { db, logger, signal, onNews } = deps;
  const jobs = openCollection(db, 'operatorActions');
  const { promise: aborted, resolve } = Promise.withResolvers<'aborted'>();
  signal.addEventListener('abort', () => resolve('aborted'), { once: true });

  async function follow(onOpen: () => void): Promise<void> {
    const { operationTime } = (await db.command({ ping: 1 })) as { readonly operationTime?: Timestamp };
    const stream = jobs.watch(newHolders, {
      maxAwaitTimeMS: maxAwaitMs,
      ...(operationTime ? { startAtOperationTime: operationTime } : {}),
    });
    try {
      onNews();
      while ((await Promise.race([stream.next(), aborted])) !== 'aborted') {
        onOpen();
        onNews();
      }
    } finally {
      void stream.close().catch(() => {});
    }
  }

  await keepFollowing(signal, follow, (error) => {
    const reason = unavailable('jobs could not be followed', error);
    if (isUnauthorized(reason)) throw reason;
    if (!signal.aborted) logger.warn({ err: reason }, 'cannot follow jobs; retrying');
  });
}
