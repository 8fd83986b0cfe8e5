import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import type { Work } from '@notion-mirror/event-log/lanes/work';
import { LRUCache } from 'lru-cache';
import type { OpenEntity } from '../mirrored-entity.ts';

type Sync = OpenEntity['sync'];

/** A data source that is forgotten, as by a restart, is read one time too many. */
const rememberedSources = 10_000;

/**
 * Reads the database of a data source whose rows come and go at most once in `lagMs`. Notion may announce each of them as a change of the data source, of which
 * hardly anything changes; so an import would use up the budget for reads of one database. Events that come too soon wait, without a slot. They have
 * tasks of their own, so no other event waits with them. `now`: epoch ms.
 */
export function withContentPace(sync: Sync, { lagMs, now }: { readonly lagMs: number; readonly now: () => number }): Sync {
  /** When the read of each began. */
  const readAt = new LRUCache<string, number>({ max: rememberedSources });

  return async (work, newest) => {
    if (!isOfContent(work)) return sync(work, newest);
    const began = now();
    const source = `${newest.workspaceId}:${newest.dataSourceId}`;
    const next = (readAt.peek(source) ?? Number.NEGATIVE_INFINITY) + lagMs;
    if (next > began) {
      const message = 'the database was read a moment ago, and only rows have come or gone since';
      return { kind: 'retry', at: next, scope: 'request', failure: { class: 'stale', code: 'read_lately', message } };
    }
    const result = await sync(work, newest);
    if (result.kind === 'settled') readAt.set(source, began);
    return result;
  };
}

function isOfContent({ items }: Work<DatabaseEvent>): boolean {
  return items.every(({ item }) => item.type === 'data_source.content_updated');
}
