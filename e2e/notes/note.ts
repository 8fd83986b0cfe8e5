import type { EntityKind } from '@notion-mirror/domain/entity';

/** A kind of entity for tests only. The mirror learns of it from the files of this folder and a line in each of three lists. */
export interface Note {
  readonly text: string;
  readonly color: string;
  readonly editedTime: Date;
}

const prefix = '11111111-0000-4000-8000-';

export function noteId(n: number): string {
  return `${prefix}${String(n).padStart(12, '0')}`;
}

/** The released event schema has no field for a note: its id is sent as a database id and recognised by its prefix. */
export const noteKind: EntityKind = {
  name: 'note',
  idField: 'noteId',
  isAbout: ({ databaseId }) => databaseId?.startsWith(prefix) === true,
  idOf: ({ databaseId }) => databaseId,
  targetOf: (id) => ({ databaseId: id, dataSourceId: null, pageId: null }),
};
