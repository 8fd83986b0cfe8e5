import type { RowContent } from '@notion-mirror/domain/entities/row';
import { rowStates } from '@notion-mirror/event-log/entities/row-state';
import { rowStorage, type RowOutline } from '@notion-mirror/mirror-store/entities/row';
import type { OperatedEntity } from '../operated-entity.ts';

export const rows: OperatedEntity<RowContent, RowOutline> = {
  storage: rowStorage,
  states: rowStates,
  openSource: (notion) => ({
    fetch: ({ workspaceId, id }, attempt, signal) => notion.fetchRow({ workspaceId, pageId: id, attempt }, signal),
    list: null,
  }),
  holdersOf: () => Promise.resolve([]),
  databaseOf: ({ databaseId }) => databaseId,
};
