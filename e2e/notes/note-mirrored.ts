import { createRecordStore } from '@notion-mirror/mirror-store/records/record-store';
import { openMirroredDocuments } from '@notion-mirror/mirror-store/records/mirrored-documents';
import { settledBy, syncEntity } from '@notion-mirror/sync-worker/consume/sync-entity';
import type { MirroredEntity } from '@notion-mirror/sync-worker/mirrored-entity';
import type { Note } from './note.ts';
import { noteKind } from './note.ts';
import { fetchNote, listNotes } from './note-source.ts';
import { noteStates } from './note-state.ts';
import { noteStorage } from './note-storage.ts';

export function mirroredNotes(url: string): MirroredEntity<Note, object> {
  return {
    storage: noteStorage,
    states: noteStates,
    open({ config, db, metrics }) {
      const records = createRecordStore(noteStorage, { db, metrics });
      const documents = openMirroredDocuments(db, noteStorage);
      return {
        kind: noteKind,
        async sync({ attempt, signal }, newest) {
          const { workspaceId } = newest;
          const id = noteKind.idOf(newest) ?? '';
          const deps = {
            records,
            storage: noteStorage,
            fetch: () => fetchNote(url, id, newest.connectionId, signal),
            editsOf: ({ editedTime }: Note) => [editedTime],
            toleranceMs: config.clockToleranceMs,
            now: Date.now,
          };
          const result = await syncEntity(deps, { workspaceId, id, event: newest, accessibleBy: [], hint: false, attempt }, signal);
          return settledBy(noteKind, result, 1);
        },
        async compare(tools) {
          const { workspaceId, signal } = tools;
          const [connection] = tools.connections();
          const seenBy = connection.connectionId;
          const held = new Set(await records.liveIds(workspaceId));
          const listed = await listNotes(url, signal);
          for (const id of listed) {
            const document = await documents.read({ workspaceId, id });
            if ((document?.fields ?? null) === null) await tools.sync('missing', noteKind.targetOf(id), seenBy);
          }
          const gone = [...held].filter((id) => !listed.includes(id));
          return { held: held.size, found: listed.length, gone: gone.map((id) => ({ target: noteKind.targetOf(id), seenBy })) };
        },
      };
    },
  };
}
