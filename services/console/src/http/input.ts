import { problemOfId } from '@notion-mirror/domain/opaque-id';
import { z } from 'zod';

const longest = 2_000;
/** The head of a request holds 16 KiB. */
const longestCursor = 12_000;

/** A parameter of a query; the last one when it is repeated, and none when it is empty. */
export const optional = z
  .union([z.string(), z.array(z.string())])
  .optional()
  .transform((value) => (Array.isArray(value) ? value.at(-1) : value)?.trim())
  .transform((value) => (value === '' ? undefined : value))
  .pipe(z.string().max(longest).optional());

/** A parameter that is `1` or missing. */
export const flag = optional.transform((value) => value === '1');

/** Values separated by commas, or repeated. */
export const several = z
  .union([z.string(), z.array(z.string())])
  .optional()
  .transform((value) => (value === undefined ? [] : [value].flat()))
  .transform((values) =>
    values
      .flatMap((value) => value.split(','))
      .map((value) => value.trim())
      .filter((value) => value !== ''),
  )
  .pipe(z.array(z.string().max(200)).max(50))
  .transform((values) => (values.length === 0 ? undefined : values));

/** A time in a body, ISO 8601. */
export const timeText = z.string().transform((value, context) => {
  const date = new Date(value);
  if (/^\d{4}-\d{2}-\d{2}/.test(value) && !Number.isNaN(date.getTime())) return date;
  context.addIssue('a time in ISO 8601');
  return z.NEVER;
});

/** The same as a parameter, which may be left out. */
export const time = optional.pipe(timeText.optional());

export const wholeNumber = (min: number, max: number) =>
  optional.transform((value, context) => {
    if (value === undefined) return undefined;
    const number = Number(value);
    if (Number.isInteger(number) && number >= min && number <= max) return number;
    context.addIssue(`a whole number from ${min} to ${max}`);
    return z.NEVER;
  });

/** A tenant's id, as commands take it. */
export const tenant = z.string().refine((id) => problemOfId('tenant', id) === null, 'the id of a tenant');

/** A place in a list, as `cursorOf` wrote it. */
export const cursor = <T>(schema: z.ZodType<T>) =>
  z
    .string()
    .max(longestCursor)
    .optional()
    .transform((text, context): T | null => {
      if (text === undefined || text === '') return null;
      const found = schema.safeParse(parsed(text));
      if (found.success) return found.data;
      context.addIssue('a cursor of this list');
      return z.NEVER;
    });

export function cursorOf(place: object | string | number): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}
