/** Counts the single reads of each group that begin within a second: how many tasks wait says little if reads are fast. */
export interface ReadPace {
  /** Counts one more; false if there were enough. */
  readonly begin: (workspaceId: string, group: string) => boolean;
  readonly begunLately: (workspaceId: string, group: string) => number;
}

const secondMs = 1_000;

/** `most`: for each group within a second, from its first read on. `now`: epoch ms. */
export function createReadPace(most: number, now: () => number): ReadPace {
  /** In the order of their seconds. */
  const counts = new Map<string, { readonly since: number; begun: number }>();

  function countOf(key: string): { readonly since: number; begun: number } | undefined {
    for (const [known, { since }] of counts) {
      if (now() - since < secondMs) break;
      counts.delete(known);
    }
    return counts.get(key);
  }

  return {
    begunLately: (workspaceId, group) => countOf(keyOf(workspaceId, group))?.begun ?? 0,
    begin(workspaceId, group) {
      const key = keyOf(workspaceId, group);
      const count = countOf(key) ?? { since: now(), begun: 0 };
      if (count.begun >= most) return false;
      count.begun += 1;
      counts.set(key, count);
      return true;
    },
  };
}

function keyOf(workspaceId: string, group: string): string {
  return `${workspaceId} ${group}`;
}
