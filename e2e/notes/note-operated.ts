import type { OperatedEntity } from '@notion-mirror/operations/operated-entity';
import type { Note } from './note.ts';
import { fetchNote, listNotes } from './note-source.ts';
import { noteStates } from './note-state.ts';
import { noteStorage } from './note-storage.ts';

export function operatedNotes(url: string): OperatedEntity<Note, object> {
  return {
    storage: noteStorage,
    states: noteStates,
    openSource: () => ({
      fetch: ({ id }, _attempt, signal) => fetchNote(url, id, 'any', signal),
      async *list(_connection, signal) {
        yield await listNotes(url, signal);
      },
    }),
    holdersOf: () => Promise.resolve([]),
  };
}
