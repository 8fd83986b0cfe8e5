import { notionIdFromText } from '@notion-mirror/domain/notion-id';
import { usageError } from './exit-code.ts';
import { oneLine } from '@notion-mirror/operations/text';
import { problemOfId } from '@notion-mirror/domain/opaque-id';

/** A Notion id, given with or without dashes or as a URL, in Notion's canonical form. Null when none was given. */
export function notionIdOption(option: string, text: string | undefined): string | null {
  if (text === undefined) return null;
  const id = notionIdFromText(text);
  if (id === null)
    throw usageError(`${option}: "${oneLine(text)}" is neither a Notion id (32 hex digits, with or without dashes) nor a Notion URL`);
  return id;
}

/** A tenant's or a connection's id, unchanged. */
export function opaqueId(kind: 'tenant' | 'connection', option: string, id: string): string {
  const problem = problemOfId(kind, id);
  if (problem !== null) throw usageError(`${option}: the id "${oneLine(id)}" ${problem}`);
  return id;
}

/** A whole number from 1 to `most`. */
export function countOption(option: string, text: string, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > most) throw usageError(`${option} takes a whole number from 1 to ${most}`);
  return value;
}

/** The URL of an HTTP server, unchanged. Null when none was given. */
export function httpUrlOption(option: string, url: string | undefined): string | null {
  if (url === undefined) return null;
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? '')) throw usageError(`${option}: "${url}" is not an http(s) URL`);
  return url;
}
