import type { Collection, Db, Document } from 'mongodb';

/** Every collection of the mirror, by its name in MongoDB. */
export const collectionNames = {
  connectionNotices: 'connection_notices',
  connections: 'connections',
  databaseRecords: 'database_records',
  eventOutcomes: 'event_outcomes',
  handshakes: 'handshakes',
  parkedEvents: 'parked_events',
  replays: 'replays',
  settledDeadLetters: 'settled_dead_letters',
  shadowRecords: 'shadow_records',
  spooledEvents: 'spooled_events',
  stateLog: 'state_log',
  sweeps: 'sweeps',
  tenantSigns: 'tenant_signs',
  workerStatus: 'worker_status',
} as const;

/** The view that readers use: live databases only. */
export const databasesView = 'databases';

/** With majority reads and writes, whatever the client's settings. */
export function openCollection<T extends Document>(db: Db, name: keyof typeof collectionNames): Collection<T> {
  return db.collection<T>(collectionNames[name], {
    readConcern: { level: 'majority' },
    writeConcern: { w: 'majority', wtimeoutMS: 10_000 },
    readPreference: 'primary',
    promoteBuffers: true,
  });
}
