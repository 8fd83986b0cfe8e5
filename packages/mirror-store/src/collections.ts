import type { Collection, Db, Document } from 'mongodb';

/** Every collection of the mirror but those of records (`EntityStorage`), by its name in MongoDB. */
export const collectionNames = {
  connectionNotices: 'connection_notices',
  connections: 'connections',
  dataSourceContents: 'data_source_contents',
  eventOutcomes: 'event_outcomes',
  handshakes: 'handshakes',
  minutes: 'minutes',
  operatorActions: 'operator_actions',
  parkedEvents: 'parked_events',
  plannedReads: 'planned_reads',
  replays: 'replays',
  rowsOff: 'rows_off',
  schemaChanges: 'schema_changes',
  settledDeadLetters: 'settled_dead_letters',
  spooledEvents: 'spooled_events',
  stateLog: 'state_log',
  sweeps: 'sweeps',
  switches: 'switches',
  tenantSigns: 'tenant_signs',
  workerStatus: 'worker_status',
} as const;

/** With majority reads and writes, whatever the client's settings. */
export function openCollection<T extends Document>(db: Db, name: keyof typeof collectionNames): Collection<T> {
  return openNamed(db, collectionNames[name]);
}

/** The same for a collection of records, by its name in MongoDB. */
export function openNamed<T extends Document>(db: Db, name: string): Collection<T> {
  return db.collection<T>(name, {
    readConcern: { level: 'majority' },
    writeConcern: { w: 'majority', wtimeoutMS: 10_000 },
    readPreference: 'primary',
    promoteBuffers: true,
  });
}
