import type { EntityStorage } from '@notion-mirror/mirror-store/entity-storage';
import { readFields } from '@notion-mirror/mirror-store/records/record-document';
import { z } from 'zod';
import { noteKind, type Note } from './note.ts';

const fields: z.ZodType<Note> = z.object({ text: z.string(), color: z.string(), editedTime: z.date() });

export const noteStorage: EntityStorage<Note, object> = {
  kind: noteKind,
  collection: 'note_records',
  shadowCollection: 'shadow_note_records',
  view: 'notes',
  indexes: [{ name: 'by_note', key: { noteId: 1, workspaceId: 1 } }],
  contentFields: ({ text, color, editedTime }) => ({ text, color, editedTime }),
  contentOf: (document) => readFields(fields, document),
  outlineProjection: {},
  outlineOf: () => ({}),
  outlineOfContent: () => ({}),
};
