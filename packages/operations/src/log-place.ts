/** A record's place on a topic. */
export interface LogPlace {
  readonly partition: number;
  readonly offset: bigint;
}

/** `partition:offset`, as the commands print it; null when the text is something else. */
export function parsePlace(text: string): LogPlace | null {
  const [, partition, offset] = /^(\d{1,6}):(\d{1,18})$/.exec(text) ?? [];
  return partition === undefined || offset === undefined ? null : { partition: Number(partition), offset: BigInt(offset) };
}
