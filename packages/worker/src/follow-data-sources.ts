import { cascadeEventOf } from '@notion-mirror/domain/cascade-event';
import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import type { DataSourceContents, FollowedSource } from '@notion-mirror/mirror-store/data-source-contents';

/**
 * Makes `data_source_contents` agree with the record of a database: `sources` are its data sources, none if it is gone. `cause`: the handled event.
 * Resolves when a cascade event is durable for each data source that the database no longer has. Rejects with the store's or the log's errors;
 * it is safe to run again, and a later run finds what this one did not append.
 */
export type FollowDataSources = (cause: DatabaseEvent, databaseId: string, sources: readonly FollowedSource[]) => Promise<void>;

export function createFollowDataSources(deps: {
  readonly contents: Pick<DataSourceContents, 'follow'>;
  readonly append: (event: DatabaseEvent, accessibleBy: readonly string[]) => Promise<void>;
  readonly now: () => number;
}): FollowDataSources {
  return async function followDataSources(cause, databaseId, sources) {
    const { workspaceId } = cause;
    const left = await deps.contents.follow({ workspaceId, databaseId }, sources);
    await Promise.all(
      left.map((dataSourceId) => deps.append(cascadeEventOf(cause, { databaseId, dataSourceId }, new Date(deps.now())), [])),
    );
  };
}
