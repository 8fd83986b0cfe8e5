/**
 * Why a call to Notion or Nango failed, and whether to retry:
 * - `rate_limited` 429, 529: retry when Notion allows it; applies to the token (or the workspace), not the request.
 * - `server` 5xx, and every response that is not in Notion's form (an edge, a proxy, a maintenance page) or, with 200, holds another object
 *   than the requested one: retry after a backoff.
 * - `network` no complete response: retry after a backoff. `conflict` 409: the same.
 * - `unauthorized` 401: retry with a fresh token, then never.
 * - `gone` 404 `object_not_found`: does not exist, or is not shared with this token.
 * - `unreadable` 400 `validation_error` for one object by its id: the id names something that this endpoint cannot show, such as a page, a
 *   linked view, or a database without a data source that the token can read. For this token it counts as gone, like a 404.
 * - `restricted` 403, `public_api_request_blocked`, an object without content: never retry with this token.
 * - `invalid` 400 and other refusals of the request: never retry.
 * - `misconfigured` our side refuses (API key, encryption key): retry slowly; an operator must act.
 * - `unexpected` an object of the right kind that cannot be parsed, or a bug of ours: never retry, and log an error.
 */
export type SourceFailureClass =
  | 'rate_limited'
  | 'server'
  | 'network'
  | 'conflict'
  | 'unauthorized'
  | 'gone'
  | 'unreadable'
  | 'restricted'
  | 'invalid'
  | 'misconfigured'
  | 'unexpected';

/**
 * Why a worker could not handle an event: a failure of the source, or
 * - `poison`: the record itself can never be handled
 * - `dependency`: MongoDB, Kafka or the schema registry is unavailable
 * - `connection`: no connection of the tenant could be used
 * - `unwritable`: MongoDB can never store the document
 * - `stale`: Notion's answer is older than the event; it is asked again shortly. No failure of Notion or of the event
 * - `shutdown`: the worker is stopping
 */
export type FailureClass = SourceFailureClass | 'poison' | 'dependency' | 'connection' | 'unwritable' | 'stale' | 'shutdown';

/** `class` and `code` are short and have few values; `message` is for people and holds no secret. */
export interface Failure {
  readonly class: FailureClass;
  readonly code: string;
  readonly message: string;
}
