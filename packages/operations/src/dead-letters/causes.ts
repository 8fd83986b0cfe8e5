import type { DeadLetterFacts } from '@notion-mirror/event-log/dead-letters';

/** Letters with the same class, code and service. */
export interface Cause {
  readonly class: string;
  readonly code: string;
  readonly service: string;
  count: number;
  settled: number;
  oldest: Date;
  newest: Date;
  /** The message of the newest letter. */
  message: string;
  readonly tenants: Set<string>;
}

/** Groups letters by cause. Letters are added one by one, and not retained. */
export interface Causes {
  add(letter: DeadLetterFacts, isSettled: boolean): void;
  /** Most frequent first. */
  list(): Cause[];
  readonly letters: number;
  readonly tenants: number;
  /** The first tenants, those with the most letters first, and how many more there are. */
  byTenant(first: number): { readonly tenants: readonly TenantLetters[]; readonly more: number };
}

/** `workspaceId` null: letters that name no tenant. */
export interface TenantLetters {
  readonly workspaceId: string | null;
  readonly letters: number;
}

export function createCauses(): Causes {
  const causes = new Map<string, Cause>();
  const ofTenants = new Map<string | null, number>();
  let letters = 0;
  return {
    add({ cause: { class: errorClass, code, message }, service, failedAt, workspaceId }, isSettled) {
      const key = JSON.stringify([errorClass, code, service]);
      const known = causes.get(key);
      const cause = known ?? {
        class: errorClass,
        code,
        service,
        count: 0,
        settled: 0,
        oldest: failedAt,
        newest: failedAt,
        message,
        tenants: new Set(),
      };
      if (known === undefined) causes.set(key, cause);
      letters += 1;
      cause.count += 1;
      if (isSettled) cause.settled += 1;
      if (failedAt < cause.oldest) cause.oldest = failedAt;
      if (failedAt >= cause.newest) {
        cause.newest = failedAt;
        cause.message = message;
      }
      if (workspaceId !== null) cause.tenants.add(workspaceId);
      ofTenants.set(workspaceId, (ofTenants.get(workspaceId) ?? 0) + 1);
    },
    list: () => [...causes.values()].toSorted((a, b) => b.count - a.count || a.oldest.getTime() - b.oldest.getTime()),
    get letters() {
      return letters;
    },
    get tenants() {
      return ofTenants.size - (ofTenants.has(null) ? 1 : 0);
    },
    byTenant(first) {
      const all = [...ofTenants].map(([workspaceId, number]) => ({ workspaceId, letters: number }));
      const tenants = all.toSorted((a, b) => b.letters - a.letters || compare(a.workspaceId ?? '', b.workspaceId ?? '')).slice(0, first);
      return { tenants, more: all.length - tenants.length };
    },
  };
}

function compare(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
