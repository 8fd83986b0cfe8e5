import { runWorker } from '@notion-mirror/worker/run-worker';
import { removedEntities } from './entities.ts';
import { startDeleteWorker } from './start-delete-worker.ts';

runWorker('delete-worker', async (worker) => startDeleteWorker(worker, removedEntities));
