/** Why an event that was read and understood is not appended. */
export type IgnoreReason = 'unsupported_event_type' | 'linked_database' | 'no_active_connection';

/** Why a request is not even read. These are the only 4xx answers: a correctly signed request never gets one for its content. */
export type RefuseReason = 'not_found' | 'method_not_allowed' | 'too_large' | 'unsupported_media_type' | 'invalid_signature';

/**
 * Everything the ingress can say; also the JSON body of the answer.
 * - `accepted`: durable, on the log or in the spool.
 * - `handled`: a signed request that is no event (a handshake, a word about a connection).
 * - `quarantined`: signed but unreadable; its bytes are durable on the dead-letter topic.
 * - `unavailable`: nothing could keep it; the sender should try again.
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

/** Notion backs off by itself and Nango tries again after 3 and 6 s, whatever we ask for; other senders may listen. */
export const retryAfterSeconds = 5;

export const refused = (reason: RefuseReason): Answer => ({ status: 'refused', reason });
export const ignored = (reason: IgnoreReason): Answer => ({ status: 'ignored', reason });
