import { loadConfigOrExit } from '@notion-mirror/service-kit/config';
import { runWorker } from '@notion-mirror/worker/run-worker';
import { mirroredEntities } from './entities.ts';
import { startSyncWorker } from './start-sync-worker.ts';

const config = loadConfigOrExit('sync-worker');

runWorker('sync-worker', config, (worker) => startSyncWorker(worker, config, mirroredEntities));
