import { databaseKind } from '@notion-mirror/domain/entities/database';
import { rowKind } from '@notion-mirror/domain/entities/row';
import type { DoctorFacts, KafkaFacts, MongoFacts, RegistryFacts } from '../src/doctor/facts.ts';

const topic = {
  exists: true,
  replicationFactor: 3,
  partitionsWithoutLeader: [],
  underReplicatedPartitions: [],
  differences: [],
};

export const healthyKafka: KafkaFacts = {
  brokers: 3,
  hasController: true,
  topics: [
    { ...topic, topic: 'notion.database-events', partitions: 24 },
    { ...topic, topic: 'notion.database-events.dead-letters', partitions: 1 },
  ],
  groups: [
    { worker: 'sync-worker', groupId: 'notion-mirror.sync-worker', state: 'Stable', members: 2, lag: 7 },
    { worker: 'delete-worker', groupId: 'notion-mirror.delete-worker', state: 'Stable', members: 1, lag: 0 },
  ],
  deadLetters: 0,
};

export const healthyRegistry: RegistryFacts = {
  isRegistry: true,
  subjects: [
    { subject: 'notion.database-events-value', compatibility: 'FULL_TRANSITIVE', versions: [{ version: 1, id: 4 }], latestId: 4 },
    { subject: 'notion.database-states-value', compatibility: 'FULL_TRANSITIVE', versions: [{ version: 1, id: 5 }], latestId: 5 },
  ],
};

export const healthyMongo: MongoFacts = {
  serverVersion: '8.0.4',
  replicaSet: 'rs0',
  differences: [],
  unevenSharding: [],
  records: [
    { kind: databaseKind, live: 12, tombstones: 3 },
    { kind: rowKind, live: 4_000, tombstones: 1 },
  ],
  counts: { spooled: 0, parked: 0, stoppedSweeps: 0, incompleteSweeps: 0, incompleteSources: 0 },
  connections: {
    byStatus: { active: 2, paused: 0, unauthorized: 0, deleted: 1 },
    unauthorized: [],
    heldByNango: 1,
    stored: 1,
    unreadable: [],
  },
  handshakes: [
    { slot: 'notion', status: 'none', isReadable: true },
    { slot: 'nango', status: 'none', isReadable: true },
  ],
  failedSearches: [],
};

/** A mirror that works. */
export const healthy: DoctorFacts = {
  settings: {
    secrets: [
      { variable: 'MIRROR_NANGO_API_KEY', isSet: true },
      { variable: 'MIRROR_KAFKA_SASL_PASSWORD', isSet: false },
    ],
    unknownVariables: [],
    advice: [],
    hasEncryptionKey: true,
    verificationTokens: 0,
    takesHandshakes: true,
  },
  signing: { keys: 1, suspectKeys: [], verified: true },
  kafka: answered('kafka:9092', healthyKafka),
  schemaRegistry: answered('http://registry:8081', healthyRegistry),
  mongodb: answered('mongodb://db/mirror', healthyMongo),
  notion: answered('https://api.notion.com', { status: 401 }),
  nango: answered('https://api.nango.dev', { status: 200, readsCredentials: true }),
  ingress: answered('http://ingress:3000', { unsigned: { status: 401, word: 'refused' }, signed: [{ status: 200, word: 'handled' }] }),
};

export function answered<T>(address: string, facts: T) {
  return { kind: 'answered', address, latencyMs: 3.4, facts } as const;
}
