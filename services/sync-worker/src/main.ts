import { openConnectionDirectory } from '@notion-mirror/mirror-store/connection-directory';
import { registerSilence } from '@notion-mirror/mirror-store/tenant-signs';
import { runWorker } from '@notion-mirror/worker/run-worker';
import { startConnections } from './connections/start-connections.ts';
import { startConsumer } from './consume/start-consumer.ts';
import { openNotion } from './open-notion.ts';
import { startStateLog } from './state-log/start-state-log.ts';
import { startSweeps } from './sweep/start-sweeps.ts';

runWorker('sync-worker', async (worker) => {
  const { config, logger, metrics, scope, db, available } = worker;
  const connections = await available('the connections', () => openConnectionDirectory({ db, logger, metrics }));
  scope.onStop('connections', () => connections.close());
  registerSilence(metrics, db, config.silenceMs);
  const notion = openNotion(worker, connections);

  // Parts stop in reverse order: what the consumer writes last is still appended to the state log.
  startStateLog(worker);
  const { consumer, awaitedEvents } = startConsumer(worker, { connections, notion });
  const owns = (workspaceId: string) => consumer.owns(workspaceId);
  startConnections(worker, { connections, notion, owns });
  startSweeps(worker, { connections, notion, owns, awaitedEvents });
  return consumer;
});
