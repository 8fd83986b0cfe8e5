import { loadConfigOrExit } from '@notion-mirror/service-kit/config';
import { runWorker } from '@notion-mirror/worker/run-worker';
import { removedEntities } from './entities.ts';
import { startDeleteWorker } from './start-delete-worker.ts';

runWorker('delete-worker', loadConfigOrExit('delete-worker'), async (worker) => startDeleteWorker(worker, removedEntities));
