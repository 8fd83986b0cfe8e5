import { mirroredEntities } from '@notion-mirror/sync-worker/entities';
import { startSyncWorker } from '@notion-mirror/sync-worker/start-sync-worker';
import { loadConfigOrExit } from '@notion-mirror/service-kit/config';
import { runWorker } from '@notion-mirror/worker/run-worker';
import { mirroredNotes } from './note-mirrored.ts';
import { notesUrlVariable } from './note-source.ts';

const notes = mirroredNotes(process.env[notesUrlVariable] ?? '');
const config = loadConfigOrExit('sync-worker');

runWorker('sync-worker', config, (worker) => startSyncWorker(worker, config, [notes, ...mirroredEntities]));
