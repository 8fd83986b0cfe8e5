import { removedEntities } from '@notion-mirror/delete-worker/entities';
import { startDeleteWorker } from '@notion-mirror/delete-worker/start-delete-worker';
import { decideDelete } from '@notion-mirror/domain/write-rule';
import { loadConfigOrExit } from '@notion-mirror/service-kit/config';
import { runWorker } from '@notion-mirror/worker/run-worker';
import { noteStorage } from './note-storage.ts';

runWorker('delete-worker', loadConfigOrExit('delete-worker'), async (worker) =>
  startDeleteWorker(worker, [{ storage: noteStorage, decide: decideDelete }, ...removedEntities]),
);
