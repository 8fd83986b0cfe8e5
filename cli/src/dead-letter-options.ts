import { filterOf, type LetterFilter } from '@notion-mirror/operations/dead-letters/filter';
import { parsePlace, type LogPlace } from '@notion-mirror/operations/log-place';
import { oneLine } from '@notion-mirror/operations/text';
import { usageError } from './exit-code.ts';

/** The filter options, as parsed by commander. */
export interface FilterOptions {
  readonly class?: string;
  readonly code?: string;
  readonly workspaceId?: string;
  readonly service?: string;
  readonly since?: string;
}

export function hasFilter(options: FilterOptions): boolean {
  return [options.class, options.code, options.workspaceId, options.service, options.since].some((option) => option !== undefined);
}

/** A filter that matches every given option. Throws a usage error. */
export function filterOption(options: FilterOptions, now: Date): LetterFilter {
  const { class: errorClass, code, workspaceId, service, since } = options;
  return filterOf({ class: errorClass, code, workspaceId, service, since: since === undefined ? undefined : sinceOption(since, now) });
}

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A time in ISO 8601, or a duration back from now: `90m`, `2h`, `3d`. */
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

/** Parses `partition:offset`, as printed by `list --records`. Throws a usage error. */
export function parseRef(text: string): LogPlace {
  const place = parsePlace(text);
  if (place === null) {
    throw usageError(`"${oneLine(text)}" is not a dead letter: name it as <partition>:<offset>`, 'mirror dead-letters list --records');
  }
  return place;
}
