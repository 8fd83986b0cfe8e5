/**
 * Why a readable event is not appended; the first that applies. `rows_off`: MIRROR_ROWS is off. `not_a_row`: the page's parent is no database.
 * `rows_not_ready`: a worker of a version without rows may still be running.
 */
export type IgnoreReason =
  | 'unsupported_event_type'
  | 'linked_database'
  | 'rows_off'
  | 'not_a_row'
  | 'rows_not_ready'
  | 'no_active_connection';

/** Why a request is not even read. These are the only 4xx responses: a correctly signed request never gets one for its content. */
export type RefuseReason = 'not_found' | 'method_not_allowed' | 'too_large' | 'unsupported_media_type' | 'invalid_signature';

/**
 * Every possible result of a request; also the JSON body of the response.
 * - `accepted`: durable, on the log or in the spool.
 * - `handled`: a signed request that is not an event (a handshake, a notice about a connection).
 * - `quarantined`: signed but unreadable; its bytes are durable on the dead-letter topic.
 * - `unavailable`: nothing could store it; the sender should retry.
 */
export type Answer =
  | { readonly status: 'accepted'; readonly eventId: string }
  | { readonly status: 'ignored'; readonly reason: IgnoreReason }
  | { readonly status: 'handled' }
  | { readonly status: 'quarantined' }
  | { readonly status: 'refused'; readonly reason: RefuseReason }
  | { readonly status: 'unavailable' }
  | { readonly status: 'error' };

const refusals: Readonly<Record<RefuseReason, number>> = {
  not_found: 404,
  method_not_allowed: 405,
  too_large: 413,
  unsupported_media_type: 415,
  invalid_signature: 401,
};

export function httpStatusOf(answer: Answer): number {
  switch (answer.status) {
    case 'accepted':
    case 'ignored':
    case 'handled':
    case 'quarantined':
      return 200;
    case 'refused':
      return refusals[answer.reason];
    case 'unavailable':
      return 503;
    case 'error':
      return 500;
  }
}

/** Notion has its own backoff and Nango retries after 3 and 6 s regardless; other senders may honour it. */
export const retryAfterSeconds = 5;

export const refused = (reason: RefuseReason): Answer => ({ status: 'refused', reason });
export const ignored = (reason: IgnoreReason): Answer => ({ status: 'ignored', reason });
