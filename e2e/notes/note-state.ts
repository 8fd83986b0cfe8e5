import type { StateContract } from '@notion-mirror/event-log/state-contract';
import { loadContract } from '@notion-mirror/schemas/contract';
import { noteKind, type Note } from './note.ts';

export const noteStates: StateContract<Note> = {
  kind: noteKind,
  topic: 'notion.note-states',
  writerId: 'notion-mirror.note-state-log',
  schema: () => loadContract('note-state', import.meta.dirname),
  toAvro: ({ editedTime, ...plain }) => ({ ...plain, editedTime: editedTime.getTime() }),
  fromAvro(value) {
    const { text, color, editedTime } = value as { text: string; color: string; editedTime: number };
    return { text, color, editedTime: new Date(editedTime) };
  },
};
