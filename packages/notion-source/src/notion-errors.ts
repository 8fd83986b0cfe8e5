import { InvalidPathParameterError, isHTTPResponseError, RequestTimeoutError } from '@notionhq/client';
import { limitReasonOf, type LimitReason } from '@notion-mirror/domain/call-limits';
import type { Failure, SourceFailureClass } from '@notion-mirror/domain/failure';
import { z } from 'zod';
import { ExchangeError, HttpHeaders } from './http-exchange.ts';
import { parseJson } from './json-object.ts';

/** Fit for a log line or a dead letter: carries Notion's code and request_id, never a token. */
export interface SourceFailure extends Failure {
  readonly class: SourceFailureClass;
  /** Notion's own code, where it has one. */
  readonly code: string;
  readonly message: string;
  /** The page size that Notion's answer advises, where it does. */
  readonly advisedPageSize?: number;
}

/** Whose limit was exceeded: the connection's, the whole Notion workspace's, or Notion itself is overloaded (529). */
export type RateLimitScope = 'connection' | 'workspace' | 'overload';

export interface RateLimited extends SourceFailure {
  readonly class: 'rate_limited';
  readonly status: number;
  readonly retryAfterMs: number | null;
  readonly scope: RateLimitScope;
  readonly reason: LimitReason;
  readonly requestId: string | null;
}

export interface OtherNotionFailure extends SourceFailure {
  readonly class: Exclude<SourceFailureClass, 'rate_limited' | 'misconfigured'>;
  /** Null when no answer came. */
  readonly status: number | null;
  readonly retryAfterMs: number | null;
  /** Notion's id of the request; null when the answer has none. */
  readonly requestId: string | null;
}

export type NotionFailure = RateLimited | OtherNotionFailure;

/** The code of a blocked integration. It comes with a 429, but waiting does not help: it is about the token, not about one object. */
export const blocked = 'public_api_request_blocked';

/** What a call requested: one object by its id, or anything else, such as a search. */
export type Asked = 'object' | 'other';

const errorBody = z.object({
  code: z.string(),
  message: z.string().catch(''),
  request_id: z.string().optional().catch(undefined),
  additional_data: z
    .object({
      rate_limit_reason: z.string().optional().catch(undefined),
      retry_after: z
        .union([z.string(), z.number().transform(String)])
        .optional()
        .catch(undefined),
      minimum_api_version: z.unknown().optional(),
    })
    .optional()
    .catch(undefined),
});

/**
 * The class of any error thrown by a call of @notionhq/client 5.26.0. Its `isHTTPResponseError` covers both Notion's errors and those it does
 * not know (`bad_gateway`, `database_connection_unavailable`, HTML), so the body is read here. Network errors are not errors of the SDK:
 * they come from our own fetch, as ExchangeError. A body that is cut off is a SyntaxError of the SDK's JSON.parse.
 */
export function notionFailure(error: unknown, now: number, asked: Asked = 'other'): NotionFailure {
  if (isHTTPResponseError(error)) {
    // As our own fetch returned them.
    const headers = error.headers instanceof HttpHeaders ? error.headers : new HttpHeaders({});
    return failureOfAnswer({ status: error.status, headers, text: error.body }, now, asked);
  }
  const nothing = { status: null, retryAfterMs: null, requestId: null };
  if (error instanceof ExchangeError) return { class: 'network', code: error.code, message: error.message, ...nothing };
  if (error instanceof SyntaxError) {
    return { class: 'network', code: 'malformed_body', message: 'the answer is not complete JSON', ...nothing };
  }
  if (RequestTimeoutError.isRequestTimeoutError(error)) return { class: 'network', code: 'deadline', message: error.message, ...nothing };
  if (InvalidPathParameterError.isInvalidPathParameterError(error)) {
    return { class: 'invalid', code: error.code, message: error.message, ...nothing };
  }
  const { name, message } = error instanceof Error ? error : { name: typeof error, message: String(error) };
  return { class: 'unexpected', code: name, message, ...nothing };
}

function failureOfAnswer(answer: { status: number; headers: HttpHeaders; text: string }, now: number, asked: Asked): NotionFailure {
  const { status, headers } = answer;
  const body = errorBody.safeParse(parseJson(answer.text)).data ?? null;
  const reason = body?.additional_data?.rate_limit_reason ?? null;
  const code = reason === blocked ? blocked : (body?.code ?? 'not_a_notion_answer');
  const retryAfterMs = parseRetryAfter(headers.get('retry-after') ?? body?.additional_data?.retry_after ?? null, now);
  const requestId = body?.request_id ?? headers.get('x-notion-request-id');
  const advisedPageSize = pageSizeIn(answer.text);
  const details = {
    code,
    message: describe(status, headers, body, code, requestId),
    status,
    retryAfterMs,
    requestId,
    ...(body === null || advisedPageSize === null ? {} : { advisedPageSize }),
  };
  const failureClass =
    asked === 'object' && body !== null && refusesObject(status, body) ? 'unreadable' : classOf(status, body === null ? null : code);
  if (failureClass !== 'rate_limited') return { class: failureClass, ...details };
  if (status === 529) return { class: 'rate_limited', ...details, scope: 'overload', reason: 'service_overload' };
  const scope = reason === 'public_api_space_request_rate_limit' ? 'workspace' : 'connection';
  return { class: 'rate_limited', ...details, scope, reason: limitReasonOf(reason) };
}

/** `code` is null when the answer is not in Notion's form. Only Notion itself may say that an object is gone or a token dead. */
function classOf(status: number, code: string | null): RateLimited['class'] | OtherNotionFailure['class'] {
  if (code === blocked) return 'restricted';
  if (status === 429 || status === 529) return 'rate_limited';
  if (code === null || status < 400 || status >= 500) return 'server';
  switch (status) {
    case 401:
      return 'unauthorized';
    case 403:
      return 'restricted';
    case 404:
      return code === 'object_not_found' ? 'gone' : 'server';
    case 409:
      return 'conflict';
    default:
      return 'invalid';
  }
}

/** Codes of 400 that are about the request: they prove nothing about an object. */
export const aboutTheRequest: ReadonlySet<string> = new Set(['invalid_json', 'invalid_request_url', 'missing_version']);

/** Notion answers 503 or 504 when a page takes too long, an edge in front of it 502 or nothing; a smaller page may work. */
export function mayBeTooLarge(failure: SourceFailure): boolean {
  return failure.class === 'server' || failure.code === 'deadline';
}

/**
 * Whether the refusal of a GET by id is about the object. Such a request has nothing to validate but the id, which we have checked, and the API
 * version; a refusal of the version (`minimum_api_version`, or a message about it) would apply to every object.
 * Seen: "Database with ID … does not contain any data sources accessible by this API bot.", "Provided ID … is a page, not a database.",
 * "Database with ID … is a linked database. Database retrievals do not support linked databases."
 */
function refusesObject(status: number, { code, message, additional_data: more }: z.infer<typeof errorBody>): boolean {
  if (status !== 400 || (code !== 'validation_error' && code !== 'object_not_found')) return false;
  return more?.minimum_api_version === undefined && !/version/i.test(message);
}

/**
 * The page size that an error advises: in its message, in `additional_data.retry_guidance` (sentences, documented for 503), or in a field whose
 * name ends in `page_size`. Null: none.
 */
function pageSizeIn(text: string): number | null {
  const [, digits] = /page[_ ]?size\D{0,30}?(\d{1,3})\b/i.exec(text) ?? [];
  const size = Number(digits);
  return size >= 1 && size <= 100 ? size : null;
}

const longestMessage = 500;

function describe(
  status: number,
  headers: HttpHeaders,
  body: z.infer<typeof errorBody> | null,
  code: string,
  requestId: string | null,
): string {
  if (body === null) {
    const ray = headers.get('cf-ray');
    const type = headers.get('content-type') ?? 'no content type';
    return `status ${status}, not an answer of Notion's API (${type}${ray === null ? '' : `, cf-ray ${ray}`})`;
  }
  const text = body.message.slice(0, longestMessage);
  return `status ${status} ${code}: ${text}${requestId === null ? '' : ` (request_id ${requestId})`}`;
}

/** Retry-After in milliseconds: Notion sends whole seconds, a proxy may send a date. Null when missing or invalid. */
export function parseRetryAfter(value: string | null, now: number): number | null {
  if (value === null || value.trim() === '') return null;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return seconds < 0 ? null : Math.min(Math.ceil(seconds * 1000), longestPauseMs);
  const at = Date.parse(value);
  return Number.isNaN(at) ? null : Math.min(Math.max(0, at - now), longestPauseMs);
}

/**
 * The longest pause, whatever the server asks for: a pause of a day is more often a mistake than intended, and one call in ten minutes does no
 * harm. Notion documents waits of at most 60 s for a connection, and "longer than a minute" for a workspace.
 */
const longestPauseMs = 600_000;
