import type { DeadLetterFacts } from '@notion-mirror/event-log/dead-letters';
import { placeKey } from '@notion-mirror/mirror-store/settled-dead-letters';

/** Criteria for choosing letters; absent ones are ignored. `since`: failed then or later. */
export interface LetterCriteria {
  readonly class?: string | undefined;
  readonly code?: string | undefined;
  readonly workspaceId?: string | undefined;
  readonly service?: string | undefined;
  readonly since?: Date | undefined;
}

export type LetterFilter = (letter: DeadLetterFacts) => boolean;

/** A filter that matches every given criterion. */
export function filterOf({ since, ...wanted }: LetterCriteria): LetterFilter {
  return ({ cause, service, workspaceId, failedAt }) =>
    fits(wanted.class, cause.class) &&
    fits(wanted.code, cause.code) &&
    fits(wanted.service, service) &&
    fits(wanted.workspaceId, workspaceId) &&
    (since === undefined || failedAt >= since);
}

function fits(wanted: string | undefined, is: string | null): boolean {
  return wanted === undefined || wanted === is;
}

/** A letter's name: `partition:offset`. */
export const refOf = placeKey;
