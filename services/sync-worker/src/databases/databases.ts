import type { DatabaseContent } from '@notion-mirror/domain/database-content';
import { databaseKind } from '@notion-mirror/domain/entities/database';
import { databaseStates } from '@notion-mirror/event-log/entities/database-state';
import { databaseStorage, type DatabaseOutline } from '@notion-mirror/mirror-store/entities/database';
import { createDatabasesListing } from '@notion-mirror/mirror-store/entities/database-sources';
import { openHeldDatabases } from '@notion-mirror/mirror-store/entities/held-databases';
import { createRecordStore } from '@notion-mirror/mirror-store/records/record-store';
import { systemClock } from '@notion-mirror/service-kit/async/clock';
import type { MirroredEntity } from '../mirrored-entity.ts';
import { compareDatabases } from './compare-databases.ts';
import { createDatabaseSync } from './sync-databases.ts';

export const databases: MirroredEntity<DatabaseContent, DatabaseOutline> = {
  storage: databaseStorage,
  states: databaseStates,
  open({ config, db, metrics }, notion) {
    const held = openHeldDatabases(db);
    return {
      kind: databaseKind,
      sync: createDatabaseSync({
        records: createRecordStore(databaseStorage, { db, metrics }),
        databasesListing: createDatabasesListing({ db, metrics }),
        notion,
        toleranceMs: config.clockToleranceMs,
        now: Date.now,
      }),
      compare: (tools) => compareDatabases({ ...systemClock, notion, held }, tools),
    };
  },
};
