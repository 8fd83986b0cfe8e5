import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import { dependencyEventOf, lastHop } from '@notion-mirror/domain/dependency-event';
import type { Naming, Relations } from '@notion-mirror/mirror-store/entities/relations';
import type { NamingRows } from '@notion-mirror/mirror-store/entities/naming-rows';
import type { DependencyScans } from './dependency-scans.ts';

/** A change of a row that Notion has shown. */
export interface RowChange {
  readonly pageId: string;
  /** Where it is, and where it was before. */
  readonly dataSourceIds: readonly string[];
  /** It appeared, moved or went: then also the relations change that name it. */
  readonly isElsewhere: boolean;
  /** The pages that its own relations name now and did not before, or the other way round. */
  readonly relinked: readonly string[];
  /** Of the event that showed the change: 0 for one about the row itself. */
  readonly hop: number;
}

/**
 * The rows that change without an event when another one does: by their formulas and rollups, as the other end of a relation, or because they name
 * a row that is no longer there. All reject with the errors of the store and the log.
 */
export interface Dependents {
  /** Whether other rows may depend on the rows of a data source. */
  readonly existFor: (workspaceId: string, dataSourceId: string) => Promise<boolean>;
  /**
   * Has the rows that depend on this one read again: each by an event on the log, or, if there are many, by a scan of their data sources. A change
   * that has come too far is not followed further.
   */
  readonly follow: (cause: DatabaseEvent, change: RowChange) => Promise<void>;
  /** To be called when a schema of the tenant has changed. */
  readonly forgetRelations: (workspaceId: string) => void;
  /** The same as `follow` for many rows of a data source, or for all that have gone with it: by scans alone. `hop`: as in `RowChange`. */
  readonly followAll: (workspaceId: string, dataSourceId: string, hop: number) => Promise<void>;
}

const mostSingly = 20;
/** How soon a change of a schema is noticed that another process has handled. */
const relationsMs = 5_000;
const rememberedTenants = 1_000;

export function createDependents(deps: {
  readonly readRelations: (workspaceId: string) => Promise<Relations>;
  readonly rows: NamingRows;
  readonly scans: Pick<DependencyScans, 'want'>;
  readonly append: (event: DatabaseEvent, accessibleBy: readonly string[]) => Promise<void>;
  readonly now: () => number;
}): Dependents {
  const { rows, scans, append, now } = deps;
  const known = new Map<string, { readonly until: number; readonly relations: Promise<Relations> }>();

  function relationsOf(workspaceId: string): Promise<Relations> {
    const last = known.get(workspaceId);
    if (last !== undefined && last.until > now()) return last.relations;
    const relations = deps.readRelations(workspaceId);
    known.delete(workspaceId);
    known.set(workspaceId, { until: now() + relationsMs, relations });
    relations.catch(() => known.delete(workspaceId));
    const [oldest] = known.keys();
    if (known.size > rememberedTenants && oldest !== undefined) known.delete(oldest);
    return relations;
  }

  async function namingsOf(workspaceId: string, dataSourceIds: readonly string[]): Promise<readonly Naming[]> {
    const { namedBy } = await relationsOf(workspaceId);
    return dataSourceIds.flatMap((id) => namedBy.get(id) ?? []);
  }

  return {
    existFor: async (workspaceId, dataSourceId) => (await namingsOf(workspaceId, [dataSourceId])).length > 0,

    async follow(cause, { pageId, dataSourceIds, isElsewhere, relinked, hop }) {
      if (hop >= lastHop) return;
      const { workspaceId } = cause;
      const namings = await namingsOf(workspaceId, dataSourceIds);
      const naming = union(namings.map(({ dataSourceIds: all, computing }) => (isElsewhere ? all : computing)));
      const otherEnds = relinked.length === 0 ? [] : namings.filter(({ isTwoWay }) => isTwoWay);
      const found = await Promise.all([
        naming.size === 0 ? [] : rows.naming(workspaceId, pageId, [...naming], mostSingly + 1),
        otherEnds.length === 0 ? [] : rows.among(workspaceId, relinked, mostSingly + 1),
      ]);
      const dependents = new Map(found.flat().map((row) => [row.pageId, row]));
      dependents.delete(pageId);
      if (dependents.size <= mostSingly) {
        const at = new Date(now());
        const next = { hop: hop + 1, isSecond: false };
        await Promise.all([...dependents.values()].map((row) => append(dependencyEventOf(cause, row, next, at), [])));
        return;
      }
      const all = union([naming, ...otherEnds.map((one) => one.dataSourceIds)]);
      for (const dataSourceId of all) await scans.want({ workspaceId, dataSourceId }, hop + 1);
    },

    forgetRelations: (workspaceId) => void known.delete(workspaceId),

    async followAll(workspaceId, dataSourceId, hop) {
      if (hop >= lastHop) return;
      const namings = await namingsOf(workspaceId, [dataSourceId]);
      for (const id of union(namings.map((one) => one.dataSourceIds)))
        if (id !== dataSourceId) await scans.want({ workspaceId, dataSourceId: id }, hop + 1);
    },
  };
}

function union(sets: readonly ReadonlySet<string>[]): Set<string> {
  return new Set(sets.flatMap((set) => [...set]));
}
