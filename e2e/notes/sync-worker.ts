import { mirroredEntities } from '@notion-mirror/sync-worker/entities';
import { startSyncWorker } from '@notion-mirror/sync-worker/start-sync-worker';
import { runWorker } from '@notion-mirror/worker/run-worker';
import { mirroredNotes } from './note-mirrored.ts';
import { notesUrlVariable } from './note-source.ts';

const notes = mirroredNotes(process.env[notesUrlVariable] ?? '');
runWorker('sync-worker', (worker) => startSyncWorker(worker, [notes, ...mirroredEntities]));
