import { describe, expect, test } from 'vitest';
import { answered, healthy, healthyKafka, healthyMongo, healthyRegistry } from '../../test/doctor-facts.ts';
import type { ConnectionFacts, DoctorFacts, IngressFacts, KafkaFacts, MongoFacts, SettingsFacts, SubjectFacts } from './facts.ts';
import { diagnose, type Check } from './checks.ts';

test('a healthy mirror has no problem, and every check has a detail', () => {
  const checks = diagnose(healthy);
  expect(checks.filter(({ status }) => status !== 'ok')).toEqual([]);
  expect(checks.every(({ remedy, detail }) => remedy === null && detail !== '')).toBe(true);
  expect(new Set(checks.map(({ area }) => area)).size).toBe(9);
  expect(checks.find(({ id }) => id === 'rows')?.detail).toBe('4000 rows mirrored, 1 tombstone');
});

const kafka = (change: Partial<KafkaFacts>): Partial<DoctorFacts> => ({ kafka: answered('kafka:9092', { ...healthyKafka, ...change }) });
const topic = (change: object) => kafka({ topics: [{ ...healthyKafka.topics[0]!, ...change }] });
const registry = (change: Partial<SubjectFacts>): Partial<DoctorFacts> => ({
  schemaRegistry: answered('http://registry', {
    ...healthyRegistry,
    subjects: healthyRegistry.subjects.map((subject, index) => (index === 0 ? { ...subject, ...change } : subject)),
  }),
});
const mongodb = (change: Partial<MongoFacts>): Partial<DoctorFacts> => ({
  mongodb: answered('mongodb://db', { ...healthyMongo, ...change }),
});
const counts = (change: object) => mongodb({ counts: { ...healthyMongo.counts, ...change } });
const connections = (change: Partial<ConnectionFacts>) => mongodb({ connections: { ...healthyMongo.connections, ...change } });
const settings = (change: Partial<SettingsFacts>): Partial<DoctorFacts> => ({ settings: { ...healthy.settings, ...change } });
const nango = (status: number, readsCredentials: boolean | null): Partial<DoctorFacts> => ({
  nango: answered('https://nango', { status, readsCredentials }),
});
const ingress = (change: Partial<IngressFacts>): Partial<DoctorFacts> => ({
  ingress: answered('http://ingress', { unsigned: { status: 401, word: null }, signed: [{ status: 200, word: 'handled' }], ...change }),
});
const handshake = (status: 'waiting' | 'shown', isReadable: boolean) => mongodb({ handshakes: [{ slot: 'notion', status, isReadable }] });
const statuses = (active: number, paused: number, unauthorized: number) => ({ active, paused, unauthorized, deleted: 0 });

describe('each problem is found, with a remedy', () => {
  test.each<[string, Partial<DoctorFacts>, Pick<Check, 'area' | 'id' | 'status'>, RegExp, string]>([
    [
      'Kafka is down',
      { kafka: { kind: 'silent', address: 'kafka:9092', error: 'ECONNREFUSED', hint: null } },
      p('kafka', 'reachable'),
      /kafka:9092 does not answer: ECONNREFUSED/,
      'MIRROR_KAFKA_BROKERS',
    ],
    [
      'the registry is down',
      { schemaRegistry: { kind: 'silent', address: 'r', error: 'x', hint: null } },
      p('schema registry', 'reachable'),
      /does not answer/,
      'MIRROR_SCHEMA_REGISTRY_URL',
    ],
    [
      'MongoDB is down',
      { mongodb: { kind: 'silent', address: 'm', error: 'x', hint: null } },
      p('mongodb', 'reachable'),
      /does not answer/,
      'MIRROR_MONGODB_URI',
    ],
    [
      'Notion is down',
      { notion: { kind: 'silent', address: 'n', error: 'x', hint: null } },
      p('notion', 'reachable'),
      /does not answer/,
      'MIRROR_NOTION_API_URL',
    ],
    [
      'Nango is down',
      { nango: { kind: 'silent', address: 'n', error: 'x', hint: null } },
      p('nango', 'reachable'),
      /does not answer/,
      'MIRROR_NANGO_URL',
    ],
    [
      'the ingress is down',
      { ingress: { kind: 'silent', address: 'i', error: 'x', hint: null } },
      p('ingress', 'reachable'),
      /does not answer/,
      'start the ingress',
    ],
    ['no controller', kafka({ hasController: false }), p('kafka', 'brokers'), /no controller/, 'logs'],
    ['a topic is missing', topic({ exists: false }), p('kafka', 'topic'), /topic notion.database-events does not exist/, 'mirror init'],
    [
      'a partition without a leader',
      topic({ partitionsWithoutLeader: [3, 7] }),
      p('kafka', 'topic'),
      /no leader for partition 3, 7/,
      'brokers',
    ],
    ['a broker is missing', topic({ underReplicatedPartitions: [3] }), w('kafka', 'replicas'), /fewer replicas/, 'brokers'],
    [
      'other partitions',
      topic({ differences: ['partitions is 6, not 24'] }),
      w('kafka', 'topic'),
      /partitions is 6, not 24/,
      'MIRROR_KAFKA_',
    ],
    [
      'no worker',
      kafka({ groups: [{ ...healthyKafka.groups[0]!, members: 0, lag: 9 }] }),
      w('kafka', 'group'),
      /no worker is in it, 9 events behind/,
      'start the sync-worker',
    ],
    ['dead letters', kafka({ deadLetters: 1 }), w('kafka', 'dead_letters'), /^1 dead letter on the topic/, 'mirror dead-letters list'],
    [
      'something else answers for the registry',
      { schemaRegistry: answered('http://registry', { isRegistry: false, subjects: [] }) },
      p('schema registry', 'schema'),
      /not a schema registry/,
      '/apis/ccompat/v7',
    ],
    [
      'no schema',
      registry({ versions: [{ version: 1, id: null }] }),
      p('schema registry', 'schema'),
      /v1 of our schema is not registered/,
      'mirror init',
    ],
    [
      'another compatibility',
      registry({ compatibility: 'BACKWARD' }),
      p('schema registry', 'compatibility'),
      /compatibility BACKWARD/,
      'mirror init',
    ],
    ['no compatibility', registry({ compatibility: null }), p('schema registry', 'compatibility'), /none of its own/, 'mirror init'],
    ['a newer schema', registry({ latestId: 9 }), w('schema registry', 'schema'), /newest schema \(id 9\) is not/, 'older version'],
    [
      'no collections',
      mongodb({ differences: [{ kind: 'missing_view', name: 'databases' }] }),
      p('mongodb', 'collections'),
      /view databases is missing/,
      'mirror init',
    ],
    [
      'a shadow that is not sharded',
      mongodb({ unevenSharding: [{ sharded: 'row_records', unsharded: 'shadow_row_records' }] }),
      w('mongodb', 'sharding'),
      /row_records is sharded and shadow_row_records is not/,
      'shard shadow_row_records',
    ],
    ['events wait for Kafka', counts({ spooled: 4 }), w('mongodb', 'spooled'), /4 events wait for Kafka/, 'ingress'],
    [
      'a sweep has stopped',
      counts({ stoppedSweeps: 1 }),
      w('mongodb', 'sweeps'),
      /1 tenant: .* would remove too much/,
      'mirror reconcile status',
    ],
    [
      'a grant may not search',
      mongodb({
        counts: { ...healthyMongo.counts, incompleteSweeps: 2 },
        failedSearches: [{ workspaceId: 'acme', connectionId: 'c-2', because: 'status 403' }],
      }),
      w('mongodb', 'incomplete_sweeps'),
      /2 tenants: .* could not compare everything; the search failed for c-2 of acme: status 403/,
      'mirror reconcile status',
    ],
    [
      'rows are missing',
      counts({ incompleteSources: 2 }),
      w('mongodb', 'incomplete_rows'),
      /^2 data sources: the mirror does not have all rows$/,
      'mirror rows status',
    ],
    ['events wait for a connection', counts({ parked: 4 }), w('mongodb', 'parked'), /4 events wait in parked_events/, 'mirror connections'],
    [
      'no connections',
      connections({ byStatus: statuses(0, 0, 0) }),
      w('connections', 'connections'),
      /there are none/,
      'mirror connections add',
    ],
    [
      'no connection is active',
      connections({ byStatus: statuses(0, 1, 0) }),
      w('connections', 'connections'),
      /1 paused: none is active/,
      'resume',
    ],
    [
      'a refused token',
      connections({ byStatus: statuses(1, 0, 7), unauthorized: ['a', 'b', 'c', 'd', 'e', 'f', 'g'] }),
      w('connections', 'unauthorized'),
      /of a, b, c, d, e and 2 more$/,
      'connect again',
    ],
    [
      'no key for stored tokens',
      { ...connections({ stored: 2 }), ...settings({ hasEncryptionKey: false }) },
      p('connections', 'tokens'),
      /2 active connections with a stored token/,
      'MIRROR_ENCRYPTION_KEY',
    ],
    [
      'another key',
      connections({ unreadable: ['c1'] }),
      p('connections', 'tokens'),
      /token of c1 cannot be decrypted/,
      'MIRROR_ENCRYPTION_KEY',
    ],
    [
      'no signing key',
      { signing: { ...healthy.signing, keys: 0 } },
      w('webhooks', 'signature'),
      /no Nango signing key/,
      'MIRROR_NANGO_SIGNING_KEYS',
    ],
    [
      'no key and no token for webhooks',
      { signing: { ...healthy.signing, keys: 0 }, ...settings({ takesHandshakes: false }) },
      p('webhooks', 'signature'),
      /no other webhooks are accepted/,
      'MIRROR_NANGO_SIGNING_KEYS',
    ],
    [
      'a badly pasted key',
      { signing: { ...healthy.signing, keys: 2, suspectKeys: [2] } },
      p('webhooks', 'signature'),
      /key 2 has blanks or quotes/,
      'Signing key',
    ],
    ['a wrong HMAC', { signing: { ...healthy.signing, verified: false } }, p('webhooks', 'signature'), /HMAC/, 'Node'],
    ['a token waits', handshake('waiting', true), w('webhooks', 'handshake'), /waits to be shown \(notion\)/, 'mirror handshake show'],
    [
      'a token in the clear',
      { ...handshake('shown', true), ...settings({ hasEncryptionKey: false }) },
      w('webhooks', 'handshake_in_clear'),
      /in the clear/,
      'MIRROR_ENCRYPTION_KEY',
    ],
    [
      'a token that cannot be decrypted',
      handshake('shown', false),
      p('webhooks', 'handshake_locked'),
      /cannot be decrypted/,
      'MIRROR_ENCRYPTION_KEY',
    ],
    [
      'no Nango key, and connections that need it',
      { nango: null },
      p('nango', 'api_key'),
      /holds the token of 1 active connection,/,
      'MIRROR_NANGO_API_KEY',
    ],
    ['a wrong Nango key', nango(401, null), p('nango', 'api_key'), /refuses the API key \(401\)/, 'MIRROR_NANGO_API_KEY'],
    ['a Nango key without the scope', nango(200, false), p('nango', 'api_key'), /may not read credentials/, 'read_credentials'],
    ['something else answers for Nango', nango(404, null), p('nango', 'api_key'), /answers 404/, 'MIRROR_NANGO_URL'],
    [
      'something else answers for Notion',
      { notion: answered('n', { status: 404 }) },
      w('notion', 'api'),
      /answers 404/,
      'MIRROR_NOTION_API_URL',
    ],
    [
      'the ingress has other keys',
      ingress({
        signed: [
          { status: 200, word: 'handled' },
          { status: 401, word: 'refused' },
        ],
      }),
      p('ingress', 'signed'),
      /answers 401 refused to a webhook signed with key 2/,
      'same MIRROR_NANGO_SIGNING_KEYS',
    ],
    [
      'something else answers for the ingress',
      ingress({ unsigned: { status: 200, word: null } }),
      p('ingress', 'unsigned'),
      /answers 200 to an unsigned webhook/,
      '--url',
    ],
    ['no key to try the ingress with', ingress({ signed: [] }), w('ingress', 'signed'), /no key/, 'MIRROR_NANGO_SIGNING_KEYS'],
    [
      'a misspelt variable',
      settings({ unknownVariables: ['MIRROR_KAFKA_BROKER'] }),
      w('configuration', 'unknown_variable'),
      /MIRROR_KAFKA_BROKER is not/,
      'config check',
    ],
    ['unwise settings', settings({ advice: [{ text: 'unwise', remedy: 'be wise' }] }), w('configuration', 'settings'), /unwise/, 'be wise'],
  ])('%s', (_, change, found, detail, remedy) => {
    const wrong = diagnose({ ...healthy, ...change }).filter(({ status }) => status !== 'ok');
    expect(wrong.map(({ area, id, status }) => ({ area, id, status }))).toContainEqual(found);
    const check = wrong.find(({ area, id, status }) => area === found.area && id === found.id && status === found.status);
    expect(check?.detail).toMatch(detail);
    expect(check?.remedy).toContain(remedy);
    expect(wrong.every((one) => one.remedy !== null && one.remedy !== '')).toBe(true);
  });
});

test('a missing Nango key is fine when no connection needs one, or when that is unknown', () => {
  const unneeded = diagnose({ ...healthy, ...connections({ heldByNango: 0 }), nango: null });
  const unknown = diagnose({ ...healthy, mongodb: { kind: 'silent', address: 'm', error: 'x', hint: null }, nango: null });
  for (const checks of [unneeded, unknown]) expect(checks.find(({ area }) => area === 'nango')?.status).toBe('ok');
});

function p(area: Check['area'], id: string) {
  return { area, id, status: 'problem' } as const;
}

function w(area: Check['area'], id: string) {
  return { area, id, status: 'warning' } as const;
}
