import type { Json, JsonObject } from '@notion-mirror/domain/database-content';
import { BSON, type Document } from 'mongodb';
import { isPlain } from './content-digest.ts';

/** The document can never be stored, whatever the server's state. The message contains no text of the document. */
export class UnstorableError extends Error {
  override readonly name = 'UnstorableError';
}

/** The server accepts 16 MiB; this leaves room for the statement around the document. */
export const maxDocumentBytes = 16 * 1024 * 1024 - 64 * 1024;

/** MongoDB documents a limit of 100 levels; versions 6.0 and 8.0 in fact refuse a document beyond 180 levels, and the whole command beyond 200. */
export const maxJsonDepth = 100;

/**
 * The document's size in bytes of BSON, or a little more: at most four times as much. Throws an `UnstorableError` when the document is too large, or
 * when the driver cannot write it.
 */
export function checkedSize(document: Document): number {
  const atMost = sizeBound(document);
  if (atMost <= maxDocumentBytes) return atMost;
  const bytes = sizeOf(document);
  if (bytes > maxDocumentBytes) {
    throw new UnstorableError(`the document has ${(bytes / 1024 / 1024).toFixed(1)} MiB; MongoDB stores at most 16`);
  }
  return bytes;
}

/**
 * At least as many bytes; Infinity where only the driver knows. perf: the exact size takes as long as writing the document, 71 µs of CPU for 4.9 KB, this
 * bound 11, and only a large document needs the exact one. Remove when the driver reports the sizes of what it writes.
 */
function sizeBound(value: unknown): number {
  if (typeof value === 'string') return 5 + 3 * value.length;
  if (typeof value === 'number') return 8;
  if (typeof value === 'boolean' || value === null || value === undefined) return 1;
  if (typeof value !== 'object') return Number.POSITIVE_INFINITY;
  let bytes = 5;
  if (Array.isArray(value)) {
    for (const item of value) bytes += 9 + sizeBound(item);
    return bytes;
  }
  if (value instanceof Date) return 8;
  if (!isPlain(value) || '_bsontype' in value) return Number.POSITIVE_INFINITY;
  // perf: as below. A name that it inherited would only make the bound larger.
  for (const key in value) bytes += 2 + 3 * key.length + sizeBound(value[key]);
  return bytes;
}

function sizeOf(document: Document): number {
  try {
    return BSON.calculateObjectSize(document, { ignoreUndefined: false });
  } catch (error) {
    if (!(error instanceof BSON.BSONError)) throw error;
    throw new UnstorableError(`the document cannot be written as BSON (${error.name})`, { cause: error });
  }
}

/**
 * Converts JSON so that the driver stores it literally. Almost always that is the value itself. A key `_bsontype` would make the driver mistake
 * the object for one of its own types, so such an object becomes a Map. BSON keys cannot contain NUL, which Notion's texts may: there it becomes
 * U+2400, "␀". (A lone surrogate is invalid Unicode; the driver writes U+FFFD.) Throws an `UnstorableError` when it is nested too deep.
 */
export function storable(value: Json): unknown {
  return isStorable(value, 0) ? value : converted(value);
}

/** Separate from the conversion, because it visits every value of every document and must not allocate. */
function isStorable(value: Json, depth: number): boolean {
  if (value === null || typeof value !== 'object') return true;
  if (depth === maxJsonDepth) throw new UnstorableError(`the document is nested deeper than ${maxJsonDepth} levels`);
  let isAsItIs = true;
  if (isArray(value)) {
    for (const item of value) isAsItIs = isStorable(item, depth + 1) && isAsItIs;
    return isAsItIs;
  }
  // perf: no array of its names for each object of each document. That was 3 KB of garbage for a document of 4.9 KB, and 5 KB more above. Remove when
  // Object.keys costs nothing.
  for (const key in value) {
    isAsItIs = isStorable(value[key] ?? null, depth + 1) && isAsItIs && key !== '_bsontype' && !key.includes('\0');
  }
  return isAsItIs;
}

function converted(value: Json): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (isArray(value)) return value.map(converted);
  return new Map(Object.entries(value).map(([key, inner]) => [key.replaceAll('\0', '\u2400'), converted(inner)]));
}

function isArray(value: readonly Json[] | JsonObject): value is readonly Json[] {
  return Array.isArray(value);
}
