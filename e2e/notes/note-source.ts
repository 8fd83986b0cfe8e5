import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { FetchOutcome } from '@notion-mirror/notion-source/notion-source';
import { z } from 'zod';
import type { Note } from './note.ts';

/** The environment variable with the URL of the note server, for the processes started by the test. */
export const notesUrlVariable = 'NOTES_URL';

export interface NoteServer {
  readonly url: string;
  /** The notes served, by id. The test changes them in place. */
  readonly notes: Map<string, Note>;
  close(): Promise<void>;
}

/** `GET /`: all ids. `GET /<id>`: one note. */
export async function startNoteServer(): Promise<NoteServer> {
  const notes = new Map<string, Note>();
  const server = createServer(({ url = '/' }, response) => {
    const id = url.slice(1);
    const answer = id === '' ? [...notes.keys()] : notes.get(id);
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' }).end(JSON.stringify(answer ?? null));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    notes,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

const answered = z.object({ text: z.string(), color: z.string(), editedTime: z.iso.datetime().transform((text) => new Date(text)) });

export async function fetchNote(url: string, id: string, connectionId: string, signal: AbortSignal): Promise<FetchOutcome<Note>> {
  const answer = await fetch(`${url}/${id}`, { signal });
  if (answer.status === 404) return { kind: 'inaccessible' };
  return { kind: 'live', content: answered.parse(await answer.json()), connectionId };
}

export async function listNotes(url: string, signal: AbortSignal): Promise<string[]> {
  const answer = await fetch(url, { signal });
  return z.array(z.string()).parse(await answer.json());
}
