import type { DatabaseContent } from '@notion-mirror/domain/database-content';
import { databaseKind } from '@notion-mirror/domain/entities/database';
import { databaseStates } from '@notion-mirror/event-log/entities/database-state';
import { databaseStorage, type DatabaseOutline } from '@notion-mirror/mirror-store/entities/database';
import { openHeldDatabases } from '@notion-mirror/mirror-store/entities/held-databases';
import { systemClock } from '@notion-mirror/service-kit/async/clock';
import type { MirroredEntity } from '../mirrored-entity.ts';
import { compareDatabases } from './compare-databases.ts';
import { withContentPace } from './content-pace.ts';

export const databases: MirroredEntity<DatabaseContent, DatabaseOutline> = {
  storage: databaseStorage,
  states: databaseStates,
  open(worker, notion, { notionLagMs: lagMs }, { sync }) {
    const held = openHeldDatabases(worker.db);
    return {
      kind: databaseKind,
      sync: withContentPace(sync.sync, { lagMs, now: Date.now }),
      compare: (tools) => compareDatabases({ ...systemClock, notion, held }, tools),
    };
  },
};
