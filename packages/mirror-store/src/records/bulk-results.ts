import { MongoBulkWriteError } from 'mongodb';
import { duplicateKey, isUnavailableCode, StoreUnavailableError } from '../errors.ts';

/**
 * - `conflict`: the record changed since it was read; nothing was written.
 * - `rejected`: this document can never be stored (too large, nested too deep); nothing was written. The message names no content.
 */
export type WriteResult =
  | { readonly kind: 'written' }
  | { readonly kind: 'conflict' }
  | { readonly kind: 'rejected'; readonly message: string };

/** The results of a successful bulk write. */
export function allWritten(count: number): PromiseSettledResult<WriteResult>[] {
  return Array.from({ length: count }, () => fulfilled({ kind: 'written' }));
}

/**
 * The result of each of the `count` operations of a failed unordered bulk write of inserts and conditional upserts. Null when none is known: the
 * command failed as a whole, and each operation may or may not have been applied.
 */
export function resultsOfFailure(error: unknown, count: number): PromiseSettledResult<WriteResult>[] | null {
  if (!(error instanceof MongoBulkWriteError)) return null;
  const writeErrors = [error.writeErrors].flat();
  // Without a majority acknowledgement a write may be rolled back, and a conflict may be with such a write.
  if (writeErrors.length === 0 || error.result.getWriteConcernError() !== undefined) return null;
  const results = allWritten(count);
  for (const { index, code, errmsg } of writeErrors) {
    // For another unique index, created by an operator, reading again would not help.
    if (code === duplicateKey && errmsg?.includes('index: _id_')) results[index] = fulfilled({ kind: 'conflict' });
    else if (isUnavailableCode(code))
      results[index] = { status: 'rejected', reason: new StoreUnavailableError(`a record could not be written (code ${code})`) };
    else results[index] = rejectedDocument(`code ${code}`);
  }
  return results;
}

export function rejectedDocument(reason: string): PromiseSettledResult<WriteResult> {
  return fulfilled({ kind: 'rejected', message: `MongoDB does not take the document (${reason})` });
}

function fulfilled(value: WriteResult): PromiseSettledResult<WriteResult> {
  return { status: 'fulfilled', value };
}
