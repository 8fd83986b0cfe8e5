import type { PageNode } from './model.ts';
import type { RowVersions } from './row-versions.ts';

/** Previous states of pages, for queries that answer with the state of some time ago. Kept for as long as the slowest query lags. */
export interface RowHistory {
  /** Keeps the page's present state, and ends its version. To be called before every change. */
  remember(page: PageNode): void;
  /** The page as it was then; null when it did not exist yet, or not any more. */
  stateAt(page: PageNode, at: number): PageNode | null;
  /** Pages that changed recently, including those that are gone. */
  recent(): Iterable<PageNode>;
  clear(): void;
}

export function createRowHistory({
  now,
  keptMs,
  exists,
  versions,
}: {
  now: () => number;
  keptMs: () => number;
  exists: (page: PageNode) => boolean;
  versions: Pick<RowVersions, 'end'>;
}): RowHistory {
  /** Ordered by their last change. */
  const changed = new Map<string, { readonly page: PageNode; past: { readonly until: number; readonly state: PageNode }[] }>();
  const prune = () => {
    for (const [id, { past }] of changed) {
      if ((past.at(-1)?.until ?? 0) > now() - keptMs()) return;
      changed.delete(id);
    }
  };
  return {
    remember: (page) => {
      prune();
      if (keptMs() > 0) {
        const kept = changed.get(page.id)?.past.filter(({ until }) => until > now() - keptMs()) ?? [];
        changed.delete(page.id);
        changed.set(page.id, { page, past: [...kept, { until: now(), state: { ...page, values: new Map(page.values) } }] });
      }
      versions.end(page);
    },
    stateAt: (page, at) => {
      if (page.createdTime > at) return null;
      const past = changed.get(page.id)?.past.find(({ until }) => until > at);
      return past?.state ?? (exists(page) ? page : null);
    },
    *recent() {
      prune();
      for (const { page } of changed.values()) yield page;
    },
    clear: () => changed.clear(),
  };
}
