import { BSON, MongoError, MongoInvalidArgumentError, MongoServerError } from 'mongodb';

/** MongoDB is unreachable, has no primary, or did not answer in time. The fate of a write is unknown; retry later. */
export class StoreUnavailableError extends Error {
  override readonly name = 'StoreUnavailableError';
}

/** MongoDB answers but is unusable (credentials, no replica set, too old). Retrying does not help. */
export class StoreMisconfiguredError extends Error {
  override readonly name = 'StoreMisconfiguredError';
}

/** Whether retrying cannot help, so that a starting service gives up. */
export function isMisconfigured(error: unknown): boolean {
  return error instanceof StoreMisconfiguredError;
}

/** Server codes that say "not now" or "not with these rights": github.com/mongodb/mongo, src/mongo/base/error_codes.yml. */
const unavailableCodes: ReadonlySet<number> = new Set([
  6, 7, 13, 18, 24, 43, 46, 50, 63, 64, 75, 79, 89, 91, 100, 112, 117, 133, 134, 150, 189, 202, 234, 246, 262, 263, 317, 384, 391, 8000,
  9001, 10058, 10107, 11600, 11602, 13388, 13435, 13436, 14031,
]);

/** Server codes of a whole command caused by the content of one of its documents: too large, too deep, a bad value or field name. */
const contentCodes: ReadonlySet<number> = new Set([
  2, 9, 10, 14, 15, 17, 22, 28, 34, 40, 52, 53, 54, 55, 56, 57, 66, 121, 10334, 16837, 17280, 17419, 17420, 51270,
]);

export const duplicateKey = 11_000;
/** A command took longer than its `maxTimeMS`. */
export const maxTimeExpired = 50;

export function isUnavailableCode(code: unknown): boolean {
  return typeof code === 'number' && unavailableCodes.has(code);
}

/** For a valid command that may also fail because of existing data. */
export function isUnavailable(error: unknown): boolean {
  return error instanceof MongoServerError ? isUnavailableCode(error.code) : error instanceof MongoError;
}

/** Whether a document's content may have caused a command to fail, so that the others of its batch must be retried without it. */
export function mayBeContent(error: unknown): error is Error {
  if (error instanceof MongoServerError) return typeof error.code === 'number' && contentCodes.has(error.code);
  return error instanceof BSON.BSONError || error instanceof MongoInvalidArgumentError;
}

export function unavailable(what: string, cause: unknown): StoreUnavailableError {
  if (cause instanceof StoreUnavailableError) return cause;
  return new StoreUnavailableError(`${what}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
}

/** Runs a valid command: any failure means that MongoDB is unavailable. */
export async function orUnavailable<T>(what: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw unavailable(what, error);
  }
}

/** Whether a command took longer than its `maxTimeMS`. */
export function isTimeLimit(error: StoreUnavailableError): boolean {
  return error.cause instanceof MongoServerError && error.cause.code === maxTimeExpired;
}

/** Whether MongoDB does not let this process do that. */
export function isUnauthorized(error: unknown): boolean {
  return error instanceof StoreUnavailableError && error.cause instanceof MongoServerError && error.cause.code === unauthorized;
}

const unauthorized = 13;
