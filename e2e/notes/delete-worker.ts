import { removedEntities } from '@notion-mirror/delete-worker/entities';
import { startDeleteWorker } from '@notion-mirror/delete-worker/start-delete-worker';
import { runWorker } from '@notion-mirror/worker/run-worker';
import { noteStorage } from './note-storage.ts';

runWorker('delete-worker', async (worker) => startDeleteWorker(worker, [noteStorage, ...removedEntities]));
