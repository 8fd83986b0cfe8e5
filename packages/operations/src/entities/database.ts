import type { DatabaseContent } from '@notion-mirror/domain/database-content';
import { databaseStates } from '@notion-mirror/event-log/entities/database-state';
import { databaseStorage, type DatabaseOutline } from '@notion-mirror/mirror-store/entities/database';
import { databasesListing } from '@notion-mirror/mirror-store/entities/database-sources';
import type { OperatedEntity } from '../operated-entity.ts';

export const databases: OperatedEntity<DatabaseContent, DatabaseOutline> = {
  storage: databaseStorage,
  states: databaseStates,
  openSource: (notion) => ({
    fetch: ({ workspaceId, id }, attempt, signal) => notion.fetchDatabase({ workspaceId, databaseId: id, attempt }, signal),
    async *list(connection, signal) {
      const { workspaceId } = connection;
      for await (const page of notion.searchDataSources(connection, signal)) {
        const ids: string[] = [];
        for (const { databaseId, dataSourceId } of page) {
          if (databaseId !== null) ids.push(databaseId);
          else {
            const holder = await notion.databaseOfDataSource({ workspaceId, dataSourceId }, signal);
            if (holder.kind === 'database') ids.push(holder.databaseId);
          }
        }
        yield ids;
      }
    },
  }),
  holdersOf: databasesListing,
};
