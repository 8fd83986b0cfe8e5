const outages = new Set([
  'KafkaJSConnectionError',
  'KafkaJSConnectionClosedError',
  'KafkaJSRequestTimeoutError',
  'KafkaJSNoBrokerAvailableError',
  'KafkaJSBrokerNotFound',
  'KafkaJSGroupCoordinatorNotFound',
  'KafkaJSMetadataNotLoaded',
  'KafkaJSTopicMetadataNotLoaded',
  'KafkaJSLockTimeout',
]);
const otherGenerations = new Set(['ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'REBALANCE_IN_PROGRESS', 'FENCED_INSTANCE_ID']);

/** The brokers cannot be reached or are changing roles: worth retrying. */
export function isOutage(error: unknown): boolean {
  return chainOf(error).some((cause) => outages.has(cause.name) || ('retriable' in cause && cause.retriable === true && 'type' in cause));
}

/** The group has moved on without this member. */
export function isFenced(error: unknown): boolean {
  return chainOf(error).some((cause) => hasType(cause, otherGenerations));
}

export function isUnknownTopic(error: unknown): boolean {
  return chainOf(error).some((cause) => hasType(cause, new Set(['UNKNOWN_TOPIC_OR_PARTITION'])));
}

function hasType(error: Error, types: ReadonlySet<string>): boolean {
  return 'type' in error && typeof error.type === 'string' && types.has(error.type);
}

function chainOf(error: unknown): Error[] {
  const chain: Error[] = [];
  for (let current = error; current instanceof Error && chain.length < 6; current = current.cause) chain.push(current);
  return chain;
}
