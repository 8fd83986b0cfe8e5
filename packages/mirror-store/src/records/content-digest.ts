import { hash } from 'node:crypto';
import type { Document } from 'mongodb';

/**
 * Two documents have the same digest exactly when `contentDifferences` of the domain finds no difference between them as MongoDB stores them. It
 * accepts a document before it is stored, too. Not for keeping: another version of this program may compute another one.
 */
export function contentDigest(document: Document): string {
  return hash('sha256', textOf(document, 'document'), 'base64');
}

/** Where a value stands: the id of a request varies in `raw`, and in the answers that `raw` may hold. */
type Place = 'document' | 'raw' | 'answers' | 'answer' | 'elsewhere';

let oddities = 0;

/** Texts carry their length instead of being quoted: that is faster, and hashing turns an unpaired surrogate into U+FFFD, as storing does. */
function textOf(value: unknown, place: Place): string {
  if (typeof value === 'string') return `s${value.length}:${value}`;
  if (typeof value === 'number') return `n${value};`;
  if (typeof value === 'boolean') return value ? 't' : 'f';
  if (value === null) return '0';
  if (typeof value === 'object') {
    if (Array.isArray(value)) return textOfArray(value, place);
    if (value instanceof Date) return `d${value.getTime()};`;
    if (value instanceof Map) return textOfFields(Object.fromEntries(value), place);
    if (isPlain(value)) return textOfFields(value, place);
  }
  // A value of a class of the driver, from an edit by hand, equals nothing.
  oddities += 1;
  return `?${oddities};`;
}

function textOfArray(items: readonly unknown[], place: Place): string {
  const within = place === 'answers' ? 'answer' : 'elsewhere';
  let text = `[${items.length}:`;
  for (const item of items) text += textOf(item, within);
  return text;
}

function textOfFields(fields: Document, place: Place): string {
  const isSigned =
    Object.hasOwn(fields, 'expiry_time') &&
    typeof fields['expiry_time'] === 'string' &&
    Object.hasOwn(fields, 'url') &&
    typeof fields['url'] === 'string';
  let text = isSigned ? '{signed ' : '{';
  for (const key of Object.keys(fields).toSorted()) {
    const value: unknown = fields[key];
    if (value === undefined || (isSigned && key === 'expiry_time')) continue;
    if (key === 'request_id' && (place === 'raw' || place === 'answer')) continue;
    const compared = isSigned && key === 'url' ? fields['url'].split('?', 1)[0] : value;
    text += `${key.length}:${key}${textOf(compared, placeOf(key, place))}`;
  }
  return `${text}}`;
}

function placeOf(key: string, within: Place): Place {
  if (within === 'document') return key === 'raw' ? 'raw' : 'elsewhere';
  if (within !== 'raw') return 'elsewhere';
  if (key === 'database') return 'answer';
  return key === 'dataSources' ? 'answers' : 'elsewhere';
}

/** Neither of a class nor a Map. */
export function isPlain(value: object): value is Document {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
