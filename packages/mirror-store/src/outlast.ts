import { setTimeout as delay } from 'node:timers/promises';
import { MongoServerError, MongoWriteConcernError } from 'mongodb';
import { maxTimeExpired } from './errors.ts';

/** MongoDB ends the transaction of a killed worker after 60 to 90 s (`transactionLifetimeLimitSeconds`). */
const patienceMs = 120_000;
const pauseMs = 1_000;

/**
 * Runs a command that the open transaction of a killed worker may block: what it wrote cannot be written, and its collections cannot be renamed.
 * Each attempt takes `attemptMs` at most, less than the socket's limit, and of a rename still less: other commands on the collection queue
 * behind one that waits. Tried again for two minutes. Rejects with the last error, or the first of another kind.
 */
export async function outlast<T>(attemptMs: number, run: (limit: { readonly maxTimeMS: number }) => Promise<T>): Promise<T> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    try {
      return await run({ maxTimeMS: attemptMs });
    } catch (error) {
      if (!isBlocked(error) || Date.now() >= deadline) throw error;
    }
    await delay(pauseMs);
  }
}

/** Not while it waits for other members of the replica set: it has been done then. */
function isBlocked(error: unknown): boolean {
  return error instanceof MongoServerError && !(error instanceof MongoWriteConcernError) && error.code === maxTimeExpired;
}
