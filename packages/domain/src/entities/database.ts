import type { EntityKind } from '../entity.ts';

/** Every event is about a database, or about a data source in one, unless another kind claims it first. */
export const databaseKind: EntityKind = {
  name: 'database',
  idField: 'databaseId',
  isAbout: () => true,
  idOf: ({ databaseId }) => databaseId,
  targetOf: (id) => ({ databaseId: id, dataSourceId: null, pageId: null }),
};
