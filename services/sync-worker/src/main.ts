import { runWorker } from '@notion-mirror/worker/run-worker';
import { mirroredEntities } from './entities.ts';
import { startSyncWorker } from './start-sync-worker.ts';

runWorker('sync-worker', (worker) => startSyncWorker(worker, mirroredEntities));
