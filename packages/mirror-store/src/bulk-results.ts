import { MongoBulkWriteError } from 'mongodb';
import { duplicateKey, isUnavailableCode, StoreUnavailableError } from './errors.ts';

/**
 * - `conflict`: the record is no longer the one that was read; nothing was written.
 * - `rejected`: this document can never be stored (too large, nested too deep); nothing was written. The message names no content.
 */
export type WriteResult =
  | { readonly kind: 'written' }
  | { readonly kind: 'conflict' }
  | { readonly kind: 'rejected'; readonly message: string };

/** Of a bulk write that succeeded. */
export function allWritten(count: number): PromiseSettledResult<WriteResult>[] {
  return Array.from({ length: count }, () => fulfilled({ kind: 'written' }));
}

/**
 * What a failed unordered bulk write of conditional upserts says of each of its `count` operations. Null when it says nothing of any: the
 * command failed as a whole, and each may have happened or not.
 */
export function resultsOfFailure(error: unknown, count: number): PromiseSettledResult<WriteResult>[] | null {
  if (!(error instanceof MongoBulkWriteError)) return null;
  const writeErrors = [error.writeErrors].flat();
  // Not confirmed by the majority: what seems written may be rolled back, and a conflict may be with something that is.
  if (writeErrors.length === 0 || error.result.getWriteConcernError() !== undefined) return null;
  const results = allWritten(count);
  for (const { index, code, errmsg } of writeErrors) {
    // On another unique index, which an operator made, reading again would change nothing.
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
