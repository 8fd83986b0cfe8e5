import type { EntityKind } from '@notion-mirror/domain/entity';

/** A kind of entity that only this test knows: what the mirror needs to know of it is in the files of this folder, and in three lists. */
export interface Note {
  readonly text: string;
  readonly color: string;
  readonly editedTime: Date;
}

const prefix = '11111111-0000-4000-8000-';

export function noteId(n: number): string {
  return `${prefix}${String(n).padStart(12, '0')}`;
}

/** The released event has no field for a note: it travels as a database's id and is told apart by its first digits. */
export const noteKind: EntityKind = {
  name: 'note',
  idField: 'noteId',
  isAbout: ({ databaseId }) => databaseId?.startsWith(prefix) === true,
  idOf: ({ databaseId }) => databaseId,
  targetOf: (id) => ({ databaseId: id, dataSourceId: null }),
};
