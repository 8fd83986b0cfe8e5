/** The broker's errors for records it will never take, by their names in the protocol. */
const refusals = new Set([
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'INVALID_RECORD',
  'INVALID_TIMESTAMP',
  'INVALID_TOPIC_EXCEPTION',
  'TOPIC_AUTHORIZATION_FAILED',
  'POLICY_VIOLATION',
  'UNSUPPORTED_FOR_MESSAGE_FORMAT',
]);

/** Why no broker will ever take the records; null when a later attempt may succeed. */
export function describeRefusal(error: unknown): string | null {
  for (let current = error, depth = 0; current instanceof Error && depth < 5; current = current.cause, depth += 1) {
    if ('type' in current && typeof current.type === 'string' && refusals.has(current.type)) return `${current.type}: ${current.message}`;
  }
  return null;
}
