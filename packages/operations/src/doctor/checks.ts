import { describeDifference } from '@notion-mirror/mirror-store/layout';
import { requiredCompatibility } from '@notion-mirror/event-log/register-schemas';
import type { TopicDescription } from '@notion-mirror/event-log/topics';
import type {
  Asked,
  ConnectionFacts,
  DoctorFacts,
  GroupFacts,
  HandshakeFacts,
  IngressFacts,
  KafkaFacts,
  MongoFacts,
  NangoFacts,
  RegistryFacts,
  SubjectFacts,
  SettingsFacts,
  SigningFacts,
} from './facts.ts';
import { count, oneLine } from '../text.ts';

export type Area = 'configuration' | 'kafka' | 'schema registry' | 'mongodb' | 'connections' | 'webhooks' | 'nango' | 'notion' | 'ingress';

/** The result of one check. `problem`: the mirror does not work, or loses data. `warning`: it works, but an operator should know. */
export interface Check {
  /** A stable identifier for scripts. */
  readonly id: string;
  readonly area: Area;
  readonly status: 'ok' | 'warning' | 'problem';
  readonly detail: string;
  /** How to fix it: a command or a variable. Null when the check is ok. */
  readonly remedy: string | null;
}

/** Derives all checks from the facts. No I/O. */
export function diagnose(facts: DoctorFacts): Check[] {
  const { settings, signing, kafka, schemaRegistry, mongodb, nango, notion, ingress } = facts;
  const handshakes = mongodb.kind === 'answered' ? mongodb.facts.handshakes : [];
  const connections = mongodb.kind === 'answered' ? mongodb.facts.connections : null;
  return [
    ...settingsChecks(settings),
    ...server('kafka', kafka, 'start Kafka, or point MIRROR_KAFKA_BROKERS at it', kafkaChecks),
    ...server('schema registry', schemaRegistry, 'start the registry, or point MIRROR_SCHEMA_REGISTRY_URL at its base URL', registryChecks),
    ...server('mongodb', mongodb, 'start MongoDB as a replica set, or point MIRROR_MONGODB_URI at it', mongoChecks),
    ...(connections === null ? [] : connectionChecks(connections, settings)),
    ...signingChecks(signing, settings, handshakes),
    ...handshakeChecks(handshakes, settings),
    ...(nango === null
      ? nangoNotConfigured(connections)
      : server('nango', nango, 'is MIRROR_NANGO_URL right, and may this machine reach it?', nangoChecks)),
    ...server('notion', notion, 'is MIRROR_NOTION_API_URL right, and may this machine reach it?', notionChecks),
    ...(ingress === null ? [] : server('ingress', ingress, 'start the ingress; --url is its public base URL', ingressChecks)),
  ];
}

function settingsChecks({ secrets, unknownVariables, advice }: SettingsFacts): Check[] {
  const set = secrets.filter(({ isSet }) => isSet).map(({ variable }) => variable);
  const missing = secrets.filter(({ isSet }) => !isSet).map(({ variable }) => variable);
  const area = 'configuration';
  return [
    ok('secrets', area, `secrets that are set: ${list(set)}`),
    ok('secrets', area, `secrets that are not set: ${list(missing)}`),
    ...unknownVariables.map((name) => warning('unknown_variable', area, `${name} is not a variable of the mirror`, 'mirror config check')),
    ...advice.map(({ text, remedy }) => warning('settings', area, text, remedy)),
  ];
}

/** The check that a server answers, followed by the checks of its facts. */
function server<T>(area: Area, asked: Asked<T>, remedy: string, checks: (facts: T) => Check[]): Check[] {
  if (asked.kind === 'silent') {
    const { address, error, hint } = asked;
    return [problem('reachable', area, `${address} ${hint === null ? 'does not answer' : 'cannot be used'}: ${error}`, hint ?? remedy)];
  }
  return [ok('reachable', area, `${asked.address} answers in ${Math.round(asked.latencyMs)} ms`), ...checks(asked.facts)];
}

function kafkaChecks({ brokers, hasController, topics, groups, deadLetters }: KafkaFacts): Check[] {
  return [
    hasController
      ? ok('brokers', 'kafka', count(brokers, 'broker'))
      : problem('brokers', 'kafka', `${count(brokers, 'broker')} and no controller: topics cannot be changed`, 'look at the brokers’ logs'),
    ...topics.flatMap(topicChecks),
    ...groups.map(groupCheck),
    ...(deadLetters === null || deadLetters === 0
      ? []
      : [
          warning(
            'dead_letters',
            'kafka',
            `${count(deadLetters, 'dead letter')} on the topic, to be redriven or dropped`,
            'mirror dead-letters list',
          ),
        ]),
  ];
}

function topicChecks({
  topic,
  exists,
  partitions,
  replicationFactor,
  partitionsWithoutLeader,
  underReplicatedPartitions,
  differences,
}: TopicDescription): Check[] {
  if (!exists) return [problem('topic', 'kafka', `topic ${topic} does not exist`, 'mirror init')];
  if (partitionsWithoutLeader.length > 0) {
    const detail = `topic ${topic}: no leader for partition ${partitionsWithoutLeader.join(', ')}: nothing can be written there`;
    return [problem('topic', 'kafka', detail, 'bring the missing brokers back')];
  }
  const checks: Check[] = [];
  if (underReplicatedPartitions.length > 0) {
    const detail = `topic ${topic}: partition ${underReplicatedPartitions.join(', ')} has fewer replicas in sync than it should`;
    checks.push(warning('replicas', 'kafka', detail, 'bring the missing brokers back'));
  }
  if (differences.length > 0) {
    const detail = `topic ${topic} is not as configured: ${differences.join('; ')}`;
    checks.push(warning('topic', 'kafka', detail, 'change the topic with kafka-configs or kafka-topics, or the MIRROR_KAFKA_* variable'));
  }
  if (checks.length === 0)
    checks.push(ok('topic', 'kafka', `topic ${topic}: ${count(partitions, 'partition')}, ${count(replicationFactor, 'replica')}`));
  return checks;
}

function groupCheck({ worker, groupId, state, members, lag }: GroupFacts): Check {
  const behind = lag === null ? '' : `, ${count(lag, 'event')} behind`;
  if (members > 0) return ok('group', 'kafka', `group ${groupId}: ${state}, ${count(members, 'member')}${behind}`);
  return warning('group', 'kafka', `group ${groupId}: no worker is in it${behind}`, `start the ${worker}`);
}

function registryChecks({ isRegistry, subjects }: RegistryFacts): Check[] {
  if (isRegistry) return subjects.flatMap(subjectChecks);
  const remedy =
    'MIRROR_SCHEMA_REGISTRY_URL must be the base URL of a Confluent-compatible API, with its path (Apicurio: /apis/ccompat/v7)';
  return [problem('schema', 'schema registry', 'the server there is not a schema registry', remedy)];
}

function subjectChecks({ subject, compatibility, versions, latestId }: SubjectFacts): Check[] {
  const area = 'schema registry';
  const missing = versions.filter(({ id }) => id === null).map(({ version }) => `v${version}`);
  if (missing.length > 0) {
    return [problem('schema', area, `subject ${subject}: ${missing.join(', ')} of our schema is not registered`, 'mirror init')];
  }
  const ours = versions.at(-1);
  const checks: Check[] = [];
  if (compatibility !== requiredCompatibility) {
    const detail = `subject ${subject} has compatibility ${compatibility ?? '(none of its own)'}, not ${requiredCompatibility}: it would accept a schema that old readers cannot read`;
    checks.push(problem('compatibility', area, detail, 'mirror init'));
  }
  if (ours !== undefined && latestId !== null && ours.id !== latestId) {
    const detail = `subject ${subject}: the newest schema (id ${latestId}) is not the newest one that this version knows (v${ours.version}, id ${ours.id})`;
    checks.push(warning('schema', area, detail, 'is an older version of notion-mirror running here than elsewhere?'));
  }
  if (checks.length === 0)
    checks.push(ok('schema', area, `subject ${subject}: v${ours?.version ?? 0} (id ${ours?.id ?? '–'}), ${requiredCompatibility}`));
  return checks;
}

function mongoChecks({ serverVersion, replicaSet, differences, unevenSharding, records, counts, failedSearches }: MongoFacts): Check[] {
  const area = 'mongodb';
  return [
    replicaSet === null
      ? warning('replica_set', area, `MongoDB ${serverVersion}, behind a router: its shards must be replica sets`, 'nothing, if they are')
      : ok('replica_set', area, `MongoDB ${serverVersion}, replica set ${replicaSet}`),
    differences.length === 0
      ? ok('collections', area, `collections, indexes and the view are as they should be`)
      : problem('collections', area, some(differences.map(describeDifference), '; '), 'mirror init'),
    ...unevenSharding.map(({ sharded, unsharded }) =>
      warning(
        'sharding',
        area,
        `${sharded} is sharded and ${unsharded} is not: after \`mirror replay switch\` the records would be where the shadow was`,
        `shard ${unsharded} by _id as well (docs/scaling.md)`,
      ),
    ),
    ...records.map(({ kind, live, tombstones }) =>
      ok(`${kind.name}s`, area, `${count(live, kind.name)} mirrored, ${count(tombstones, 'tombstone')}`),
    ),
    counts.spooled === 0
      ? ok('spooled', area, 'no event waits for Kafka')
      : warning(
          'spooled',
          area,
          `${count(counts.spooled, 'event')} wait for Kafka in spooled_events`,
          'when Kafka is up, a running ingress appends them by itself',
        ),
    counts.parked === 0
      ? ok('parked', area, 'no event waits for its connection')
      : warning(
          'parked',
          area,
          `${count(counts.parked, 'event')} wait in parked_events for a connection to be active again`,
          'mirror connections list, then resume or reconnect; a running sync-worker takes them from there',
        ),
    counts.stoppedSweeps === 0
      ? ok('sweeps', area, 'no comparison with Notion waits for an operator')
      : warning(
          'sweeps',
          area,
          `${count(counts.stoppedSweeps, 'tenant')}: a comparison with Notion would remove too much, and has stopped before it`,
          'mirror reconcile status',
        ),
    ...(counts.incompleteSweeps === 0
      ? []
      : [
          warning(
            'incomplete_sweeps',
            area,
            `${count(counts.incompleteSweeps, 'tenant')}: the last comparison with Notion could not compare everything${refusedSearches(failedSearches)}`,
            'mirror reconcile status shows what, and why',
          ),
        ]),
    ...(counts.incompleteSources === 0
      ? []
      : [
          warning(
            'incomplete_rows',
            area,
            `${count(counts.incompleteSources, 'data source')}: the mirror does not have all rows`,
            'mirror rows status shows which, and why',
          ),
        ]),
  ];
}

/** The connections whose search failed, usually grants with fewer rights. */
function refusedSearches(searches: MongoFacts['failedSearches']): string {
  const names = searches.map(({ workspaceId, connectionId, because }) => `${connectionId} of ${workspaceId}: ${because}`);
  return names.length === 0 ? '' : `; the search failed for ${some(names, '; ')}`;
}

function connectionChecks(connections: ConnectionFacts, { hasEncryptionKey }: SettingsFacts): Check[] {
  const area = 'connections';
  const { byStatus, unauthorized, stored, unreadable } = connections;
  const total = Object.values(byStatus).reduce((sum, number) => sum + number, 0);
  if (total === 0)
    return [
      warning(
        'connections',
        area,
        'there are none: every event is ignored',
        'mirror connections add <connectionId> --workspace-id <tenant>',
      ),
    ];
  const words = (['active', 'paused', 'unauthorized', 'deleted'] as const)
    .filter((status) => byStatus[status] > 0)
    .map((status) => `${byStatus[status]} ${status}`);
  const checks: Check[] = [
    byStatus.active > 0
      ? ok('connections', area, words.join(', '))
      : warning(
          'connections',
          area,
          `${words.join(', ')}: none is active, so every event is ignored`,
          'mirror connections resume <connectionId>',
        ),
  ];
  if (unauthorized.length > 0) {
    const detail = `Notion refuses the token of ${some(unauthorized)}`;
    checks.push(
      warning(
        'unauthorized',
        area,
        detail,
        'let the customer connect again, then mirror connections resume (or add --token-file for a stored token)',
      ),
    );
  }
  if (stored > 0 && !hasEncryptionKey) {
    const detail = `${count(stored, 'active connection')} with a stored token, and MIRROR_ENCRYPTION_KEY is not set here`;
    checks.push(problem('tokens', area, detail, 'set MIRROR_ENCRYPTION_KEY to the key that they were stored with'));
  } else if (unreadable.length > 0) {
    const detail = `the stored token of ${some(unreadable)} cannot be decrypted`;
    checks.push(
      problem(
        'tokens',
        area,
        detail,
        'set MIRROR_ENCRYPTION_KEY to the key that it was stored with, or mirror connections add … --token-file again',
      ),
    );
  }
  return checks;
}

function signingChecks(
  { keys, suspectKeys, verified }: SigningFacts,
  { takesHandshakes, verificationTokens }: SettingsFacts,
  handshakes: readonly HandshakeFacts[],
): Check[] {
  const area = 'webhooks';
  if (!verified) return [problem('signature', area, 'a signed sample is not verified: this Node cannot do HMAC-SHA256', 'reinstall Node')];
  if (suspectKeys.length > 0) {
    const detail = `MIRROR_NANGO_SIGNING_KEYS: key ${suspectKeys.join(', ')} has blanks or quotes in it: no webhook will match`;
    return [problem('signature', area, detail, 'paste the key from Nango again: Environment settings → Webhooks → Signing key')];
  }
  if (keys > 0) return [ok('signature', area, `${count(keys, 'Nango signing key')}; a sample signed with each is verified`)];
  const isDirect =
    verificationTokens > 0 || takesHandshakes || handshakes.some(({ slot, status }) => slot === 'notion' && status !== 'none');
  const detail = 'no Nango signing key: webhooks that come through Nango are refused';
  const remedy = 'set MIRROR_NANGO_SIGNING_KEYS from Nango: Environment settings → Webhooks → Signing key';
  return [
    isDirect
      ? warning('signature', area, detail, remedy)
      : problem('signature', area, `${detail}, and no other webhooks are accepted`, remedy),
  ];
}

function handshakeChecks(handshakes: readonly HandshakeFacts[], { hasEncryptionKey }: SettingsFacts): Check[] {
  const area = 'webhooks';
  const waiting = handshakes.filter(({ status }) => status === 'waiting').map(({ slot }) => slot);
  const kept = handshakes.filter(({ status }) => status !== 'none');
  const inClear = hasEncryptionKey ? [] : kept.filter(({ isReadable }) => isReadable).map(({ slot }) => slot);
  const locked = kept.filter(({ isReadable }) => !isReadable).map(({ slot }) => slot);
  const checks: Check[] = [];
  if (waiting.length > 0) {
    checks.push(warning('handshake', area, `a verification token waits to be shown (${waiting.join(', ')})`, 'mirror handshake show'));
  }
  if (inClear.length > 0) {
    const detail = `a verification token is kept in the clear (${inClear.join(', ')})`;
    const remedy = 'set MIRROR_ENCRYPTION_KEY, then mirror handshake reset and make the handshake again';
    checks.push(warning('handshake_in_clear', area, detail, remedy));
  }
  if (locked.length > 0) {
    const detail = `a verification token is kept (${locked.join(', ')}) that cannot be decrypted: webhooks signed with it are refused`;
    checks.push(problem('handshake_locked', area, detail, 'set MIRROR_ENCRYPTION_KEY to the key that it was stored with'));
  }
  return checks;
}

function nangoNotConfigured(connections: ConnectionFacts | null): Check[] {
  const remedy = 'set MIRROR_NANGO_API_KEY (scope environment:connections:read_credentials)';
  if (connections !== null && connections.heldByNango > 0) {
    const detail = `Nango holds the token of ${count(connections.heldByNango, 'active connection')}, and MIRROR_NANGO_API_KEY is not set here`;
    return [problem('api_key', 'nango', detail, remedy)];
  }
  const need = connections === null ? '' : ', and no active connection needs it';
  return [ok('api_key', 'nango', `MIRROR_NANGO_API_KEY is not set${need}`)];
}

function nangoChecks({ status, readsCredentials }: NangoFacts): Check[] {
  const remedy = 'set MIRROR_NANGO_API_KEY to a key of this environment with the scope environment:connections:read_credentials';
  if (status === 401 || status === 403) return [problem('api_key', 'nango', `Nango refuses the API key (${status})`, remedy)];
  if (status !== 200)
    return [problem('api_key', 'nango', `GET /connections answers ${status}`, 'is MIRROR_NANGO_URL the base URL of the Nango API?')];
  if (readsCredentials === false)
    return [problem('api_key', 'nango', 'the API key may not read credentials: no token can be fetched', remedy)];
  return [
    ok(
      'api_key',
      'nango',
      readsCredentials === null ? 'the API key is valid; no connection to test it with' : 'the API key is valid and reads credentials',
    ),
  ];
}

function notionChecks({ status }: { readonly status: number }): Check[] {
  if (status === 401) return [ok('api', 'notion', 'the API answers, and wants a token')];
  const detail = `GET /v1/users/me without a token answers ${status}, where Notion would say 401`;
  return [warning('api', 'notion', detail, 'is MIRROR_NOTION_API_URL the base URL of the Notion API?')];
}

function ingressChecks({ unsigned, signed }: IngressFacts): Check[] {
  const area = 'ingress';
  const path = '/webhooks/nango';
  const wrong = signed.flatMap(({ status, word }, index) =>
    status === 200 && word === 'handled' ? [] : [{ key: index + 1, status, word }],
  );
  return [
    unsigned.status === 401
      ? ok('unsigned', area, `${path} refuses an unsigned webhook`)
      : problem(
          'unsigned',
          area,
          `${path} answers ${unsigned.status} to an unsigned webhook, not 401`,
          'is --url the public base URL of the ingress?',
        ),
    ...(signed.length === 0
      ? [warning('signed', area, 'no key to sign a webhook with', 'set MIRROR_NANGO_SIGNING_KEYS')]
      : wrong.length === 0
        ? [ok('signed', area, `${path} takes a webhook signed with ${count(signed.length, 'key')}`)]
        : wrong.map(({ key, status, word }) => {
            const answer = oneLine(`${status}${word === null ? '' : ` ${word}`}`);
            const detail = `${path} answers ${answer} to a webhook signed with key ${key} of MIRROR_NANGO_SIGNING_KEYS, not 200 handled`;
            return problem('signed', area, detail, 'start the ingress with the same MIRROR_NANGO_SIGNING_KEYS');
          })),
  ];
}

function ok(id: string, area: Area, detail: string): Check {
  return { id, area, status: 'ok', detail, remedy: null };
}

function warning(id: string, area: Area, detail: string, remedy: string): Check {
  return { id, area, status: 'warning', detail, remedy };
}

function problem(id: string, area: Area, detail: string, remedy: string): Check {
  return { id, area, status: 'problem', detail, remedy };
}

function list(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.join(', ');
}

/** The first few of possibly thousands. */
function some(texts: readonly string[], separator = ', '): string {
  const shown = texts.slice(0, 5).map(oneLine).join(separator);
  return texts.length > 5 ? `${shown} and ${texts.length - 5} more` : shown;
}
