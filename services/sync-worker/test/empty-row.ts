import type { RowContent } from '@notion-mirror/domain/entities/row';

/** A row without values, but for those given. */
export function emptyRow(given: Pick<RowContent, 'databaseId' | 'dataSourceId'> & Partial<RowContent>): RowContent {
  return {
    title: '',
    url: null,
    publicUrl: null,
    icon: null,
    cover: null,
    isArchived: false,
    isLocked: false,
    createdTime: null,
    lastEditedTime: null,
    createdBy: null,
    lastEditedBy: null,
    properties: [],
    related: [],
    raw: {},
    ...given,
  };
}
