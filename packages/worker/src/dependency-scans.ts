import type { DataSourceContents, DataSourceRef } from '@notion-mirror/mirror-store/data-source-contents';

/** Scans of data sources of which many rows may have changed with others. Each wish is durable at once; how often they are scanned is left to the plan of scans. */
export interface DependencyScans {
  /** `hop`: how many tables lie between the first change and these rows, from 1. Rejects with a `StoreUnavailableError`. */
  want(source: DataSourceRef, hop: number): Promise<void>;
}

/** A wish counts for what changes within this time, so that rows that change all the time do not cause a write each. */
const gatherMs = 10_000;
const rememberedSources = 10_000;

export function createDependencyScans(deps: {
  readonly contents: Pick<DataSourceContents, 'want'>;
  readonly now: () => number;
}): DependencyScans {
  const { contents, now } = deps;
  /** Those that were wished for first come first. */
  const wished = new Map<string, { readonly until: number; readonly hop: number }>();

  return {
    async want(source, hop) {
      const name = `${source.workspaceId}:${source.dataSourceId}`;
      const known = wished.get(name);
      if (known !== undefined && now() < known.until && known.hop <= hop) return;
      const until = now() + gatherMs;
      const at = new Date(until);
      await contents.want(source, { reasons: ['dependency'], depth: 'all', at, raisesAll: false, dueAt: at, hop });
      wished.delete(name);
      wished.set(name, { until, hop });
      const [oldest] = wished.keys();
      if (wished.size > rememberedSources && oldest !== undefined) wished.delete(oldest);
    },
  };
}
