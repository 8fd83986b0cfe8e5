/**
 * What went wrong when Notion or Nango was asked, and what that means:
 * - `rate_limited` 429, 529: again when Notion says so; it concerns the token (or the workspace), not the request.
 * - `server` 5xx, and every answer that is not in Notion's form (an edge, a proxy, a maintenance page) or, with 200, is another object
 *   than the one asked for: again after a backoff.
 * - `network` no complete answer: again after a backoff. `conflict` 409: the same.
 * - `unauthorized` 401: again with a fresh token, then never.
 * - `gone` 404 `object_not_found`: not existing, or not shared with this token.
 * - `unreadable` 400 `validation_error` for one object by its id: the id names something that this endpoint cannot show, such as a page, a
 *   linked view, or a database without a data source that the token can read. For this token it is as gone as with a 404.
 * - `restricted` 403, `public_api_request_blocked`, an object without content: never again with this token.
 * - `invalid` 400 and other refusals of the request: never again.
 * - `misconfigured` our side refuses (API key, encryption key): again, slowly; an operator must act.
 * - `unexpected` an object of the right kind that cannot be read, or a bug of ours: never again, and loudly.
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
 * Why a worker could not handle an event: the source's answer, or
 * - `poison`: the record itself can never be handled
 * - `dependency`: MongoDB, Kafka or the schema registry is unavailable
 * - `connection`: no connection of the tenant could be used
 * - `unwritable`: MongoDB never takes the document
 * - `shutdown`: the worker stops
 */
export type FailureClass = SourceFailureClass | 'poison' | 'dependency' | 'connection' | 'unwritable' | 'shutdown';

/** `class` and `code` are short and countable; `message` is for people and holds no secret. */
export interface Failure {
  readonly class: FailureClass;
  readonly code: string;
  readonly message: string;
}
