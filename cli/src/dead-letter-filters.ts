import type { DeadLetterFacts } from '@notion-mirror/event-log/dead-letters';
import { placeKey } from '@notion-mirror/mirror-store/settled-dead-letters';
import { usageError } from './exit-code.ts';
import { oneLine } from './output.ts';

/** What the commands take to choose letters by, as commander gives it. */
export interface FilterOptions {
  readonly class?: string;
  readonly code?: string;
  readonly workspaceId?: string;
  readonly service?: string;
  readonly since?: string;
}

export type LetterFilter = (letter: DeadLetterFacts) => boolean;

export function hasFilter(options: FilterOptions): boolean {
  return [options.class, options.code, options.workspaceId, options.service, options.since].some((option) => option !== undefined);
}

/** Letters that fit every option given. Throws a usage error. */
export function filterOf(options: FilterOptions, now: Date): LetterFilter {
  const since = options.since === undefined ? null : sinceOption(options.since, now);
  return ({ cause, service, workspaceId, failedAt }) =>
    fits(options.class, cause.class) &&
    fits(options.code, cause.code) &&
    fits(options.service, service) &&
    fits(options.workspaceId, workspaceId) &&
    (since === null || failedAt >= since);
}

function fits(wanted: string | undefined, is: string | null): boolean {
  return wanted === undefined || wanted === is;
}

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A time in ISO 8601, or how long ago: `90m`, `2h`, `3d`. */
export function sinceOption(text: string, now: Date): Date {
  const [, number, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (number !== undefined && unit !== undefined && unit in unitMs) {
    return new Date(now.getTime() - Number(number) * unitMs[unit as keyof typeof unitMs]);
  }
  const time = new Date(/^\d{4}-\d{2}-\d{2}/.test(text) ? text : Number.NaN);
  if (Number.isNaN(time.getTime())) {
    throw usageError(`--since: "${oneLine(text)}" is neither a time (2026-01-31T08:00:00Z) nor a duration (90m, 2h, 3d)`);
  }
  return time;
}

export interface LetterRef {
  readonly partition: number;
  readonly offset: bigint;
}

/** `partition:offset`, as `list --records` shows it. Throws a usage error. */
export function parseRef(text: string): LetterRef {
  const [, partition, offset] = /^(\d{1,6}):(\d{1,18})$/.exec(text) ?? [];
  if (partition === undefined || offset === undefined) {
    throw usageError(`"${oneLine(text)}" is no dead letter: name it as <partition>:<offset>`, 'mirror dead-letters list --records');
  }
  return { partition: Number(partition), offset: BigInt(offset) };
}

export const refOf = placeKey;
