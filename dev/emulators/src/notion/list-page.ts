import { z } from 'zod';
import type { JsonObject } from '../json.ts';
import { validationError } from './errors.ts';

export const pagination = {
  start_cursor: z.string().nullish(),
  page_size: z.int().min(1).max(100).optional(),
};

/** One page of a list. The cursor is the id of its first item. */
export function listPage<T extends { readonly id: string }>(
  items: readonly T[],
  { start_cursor, page_size = 100 }: { start_cursor?: string | null | undefined; page_size?: number | undefined },
  render: (item: T) => JsonObject,
): JsonObject {
  const start = start_cursor === undefined || start_cursor === null ? 0 : items.findIndex(({ id }) => id === start_cursor);
  if (start === -1) throw validationError(`The start_cursor provided is invalid: ${start_cursor}`);
  const next = items[start + page_size];
  return {
    object: 'list',
    results: items.slice(start, start + page_size).map(render),
    next_cursor: next?.id ?? null,
    has_more: next !== undefined,
    type: 'page_or_data_source',
    page_or_data_source: {},
  };
}
