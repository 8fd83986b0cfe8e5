import { withAdmin } from '@notion-mirror/event-log/kafka-client';
import { z } from 'zod';
import type { Connection } from '@notion-mirror/domain/connection';
import { inspectSchemas, schemaSubjects } from '@notion-mirror/event-log/register-schemas';
import { describeTopics, groupIdFor, topicsFor, workerNames } from '@notion-mirror/event-log/topics';
import { createConnectionStore } from '@notion-mirror/mirror-store/connection-store';
import { StoreUnavailableError } from '@notion-mirror/mirror-store/errors';
import { createHandshakeStore, type HandshakeSlot, type HandshakeStore } from '@notion-mirror/mirror-store/handshake-store';
import { inspectMongo } from '@notion-mirror/mirror-store/init';
import { createSweepLedger, type SweepLedger } from '@notion-mirror/mirror-store/sweep-ledger';
import { decryptToken } from '@notion-mirror/mirror-store/token-cipher';
import { exchange, type HttpAnswer } from '@notion-mirror/notion-source/http-exchange';
import { parseJson } from '@notion-mirror/notion-source/json-object';
import { notionVersion } from '@notion-mirror/notion-source/notion-version';
import { describeSettings, unknownVariables, type Environment, type Config } from '@notion-mirror/service-kit/config';
import { connectionHint } from '@notion-mirror/service-kit/connection-hint';
import { variableEntries, type Variable } from '@notion-mirror/service-kit/variables';
import type { OperationContext } from '../operation-context.ts';
import { withDeadline } from '@notion-mirror/service-kit/async/deadline';
import type {
  Asked,
  ConnectionFacts,
  DoctorFacts,
  GroupFacts,
  HandshakeFacts,
  HttpReply,
  IngressFacts,
  KafkaFacts,
  MongoFacts,
  NangoFacts,
  RegistryFacts,
  SubjectFacts,
  SettingsFacts,
  SigningFacts,
} from './facts.ts';
import { serverMessage } from '../error-text.ts';
import { isSignedByNango } from '@notion-mirror/service-kit/webhook-signatures';
import { harmlessWebhook, nangoSignature } from '../nango-signature.ts';
import { mongoAddress, urlAddress } from '../secrets.ts';
import { kafkaOf, mongoLayoutOf, stateLogsOf, topicSettings, type Admin, withMongo } from '../servers.ts';
import { settingsAdvice } from '../settings-advice.ts';

const probeMs = 8_000;
const requestMs = 5_000;

/** Probes everything in parallel; a server that does not answer in 8 s counts as silent. Read-only. Rejects only when `signal` aborts. */
export async function gatherFacts(
  context: OperationContext,
  options: { readonly env: Environment; readonly ingressUrl: string | null },
): Promise<DoctorFacts> {
  const { config, redact, signal } = context;
  const { env } = options;

  async function ask<T>(address: string, probe: () => Promise<{ latencyMs: number; facts: T }>): Promise<Asked<T>> {
    try {
      return {
        kind: 'answered',
        address,
        ...(await withDeadline(probe(), { ms: probeMs, message: `no answer within ${probeMs / 1000} s`, signal })),
      };
    } catch (error) {
      signal.throwIfAborted();
      return { kind: 'silent', address, error: redact(serverMessage(error)), hint: connectionHint(error) };
    }
  }

  const { ingressUrl } = options;
  const { apiKey, url: nangoUrl } = config.nango;
  const [kafka, schemaRegistry, mongodb, notion, nango, ingress] = await Promise.all([
    ask(config.kafka.brokers.join(','), async () => probeKafka(context)),
    ask(urlAddress(config.schemaRegistry.url), async () => probeRegistry(context)),
    ask(mongoAddress(config.mongodbUri), async () => probeMongo(context)),
    ask(urlAddress(config.notionApiUrl), async () => probeNotion(config, signal)),
    apiKey === null ? null : ask(urlAddress(nangoUrl), async () => probeNango({ url: nangoUrl, apiKey }, signal)),
    ingressUrl === null ? null : ask(urlAddress(ingressUrl), async () => probeIngress(ingressUrl, config.nangoSigningKeys, signal)),
  ]);
  return {
    settings: settingsFacts(config, env),
    signing: signingFacts(config.nangoSigningKeys),
    kafka,
    schemaRegistry,
    mongodb,
    notion,
    nango,
    ingress,
  };
}

/** Not one of the console alone: most installations have none, and its start checks those that it needs. */
function isSecretOfMirror({ secret, usedBy }: Variable): boolean {
  return secret === true && usedBy.some((user) => user !== 'console');
}

function settingsFacts(config: Config<'cli' | 'console'>, env: Environment): SettingsFacts {
  const secret = new Set(variableEntries.flatMap(([name, definition]) => (isSecretOfMirror(definition) ? [name] : [])));
  return {
    secrets: describeSettings(env)
      .filter(({ variable }) => secret.has(variable))
      .map(({ variable, origin }) => ({ variable, isSet: origin === 'environment' || origin === 'file' })),
    unknownVariables: unknownVariables(env),
    advice: settingsAdvice(config),
    hasEncryptionKey: config.encryptionKey !== null,
    verificationTokens: config.notionVerificationTokens.length,
    takesHandshakes: config.notionHandshake === 'first',
  };
}

/** The documented sample of a handshake forwarded by Nango: its body, key and signature. */
const vector = {
  key: 'test-webhook-signing-key',
  body: '{"verification_token":"secret_EXAMPLE_TOKEN_FROM_NOTION_DOCS"}',
  signature: '8deac43d31a654c47ed62f0fd1a0db243f135012aa756bd533360d69b0c47e78',
};

function signingFacts(keys: readonly string[]): SigningFacts {
  return {
    keys: keys.length,
    suspectKeys: keys.flatMap((key, index) => (/[\s"']|[^\x20-\x7e]/.test(key) ? [index + 1] : [])),
    verified: [vector, ...keys.map((key) => ({ key, body: vector.body, signature: nangoSignature(key, vector.body) }))].every(
      ({ key, body, signature }) => isSignedByNango(Buffer.from(body), signature, [key]),
    ),
  };
}

type Probed<T> = Promise<{ latencyMs: number; facts: T }>;

async function timed<T>(run: () => Promise<T>): Promise<{ latencyMs: number; value: T }> {
  const started = performance.now();
  const value = await run();
  return { latencyMs: performance.now() - started, value };
}

async function probeKafka(context: OperationContext): Probed<KafkaFacts> {
  const kafka = kafkaOf(context);
  const { topicPrefix } = context.config;
  const names = topicsFor(topicPrefix);
  return withAdmin(kafka, async (admin) => {
    const { latencyMs, value: cluster } = await timed(async () => admin.describeCluster());
    const topics = await describeTopics(kafka, topicPrefix, topicSettings(context, cluster.brokers.length), stateLogsOf(context));
    const exists = (name: string) => topics.some(({ topic, exists: isThere }) => topic === name && isThere);
    return {
      latencyMs,
      facts: {
        brokers: cluster.brokers.length,
        hasController: cluster.controller !== null && cluster.controller >= 0,
        topics,
        groups: await probeGroups(admin, topicPrefix, exists(names.events) ? names.events : null),
        deadLetters: exists(names.deadLetters) ? await recordsOf(admin, names.deadLetters) : null,
      },
    };
  });
}

async function probeGroups(admin: Admin, prefix: string, topic: string | null): Promise<GroupFacts[]> {
  const workers = workerNames.map((worker) => ({ worker, groupId: groupIdFor(prefix, worker) }));
  const { groups } = await admin.describeGroups(workers.map(({ groupId }) => groupId));
  return Promise.all(
    workers.map(async ({ worker, groupId }) => {
      const found = groups.find((group) => group.groupId === groupId);
      const lag = topic === null ? null : await lagOf(admin, groupId, topic);
      return { worker, groupId, state: found?.state ?? 'Dead', members: found?.members.length ?? 0, lag };
    }),
  );
}

async function lagOf(admin: Admin, groupId: string, topic: string): Promise<number> {
  const [ends, [committed]] = await Promise.all([admin.fetchTopicOffsets(topic), admin.fetchOffsets({ groupId, topics: [topic] })]);
  const offsets = new Map(committed?.partitions.map(({ partition, offset }) => [partition, BigInt(offset)]));
  return ends.reduce((sum, { partition, high, low }) => {
    // A group without a committed offset starts at the oldest record.
    const offset = offsets.get(partition) ?? -1n;
    const next = offset < BigInt(low) ? BigInt(low) : offset;
    return sum + Number(BigInt(high) - next);
  }, 0);
}

async function recordsOf(admin: Admin, topic: string): Promise<number> {
  const partitions = await admin.fetchTopicOffsets(topic);
  return partitions.reduce((sum, { high, low }) => sum + Number(BigInt(high) - BigInt(low)), 0);
}

const latestVersion = z.object({ id: z.number() });
const registryError = z.object({ error_code: z.number() });

async function probeRegistry({ config, entities, signal }: OperationContext): Probed<RegistryFacts> {
  const { schemaRegistry, topicPrefix } = config;
  const subjects: SubjectFacts[] = [];
  const { latencyMs, value: isRegistry } = await timed(async () => {
    for (const { subject, contract } of schemaSubjects(
      topicPrefix,
      entities.map(({ states }) => states),
    )) {
      const latest = await latestOf(config, subject, signal);
      if (latest.kind === 'no_registry') return false;
      subjects.push({ ...(await inspectSchemas({ schemaRegistry, subject, contract })), latestId: latest.id });
    }
    return true;
  });
  return { latencyMs, facts: { isRegistry, subjects } };
}

/** The id of the newest version, null when there is none or access is refused; and whether the server is a registry at all. */
async function latestOf(
  { schemaRegistry }: Config<'cli' | 'console'>,
  subject: string,
  signal: AbortSignal,
): Promise<{ kind: 'answered'; id: number | null } | { kind: 'no_registry' }> {
  const url = new URL(schemaRegistry.url);
  const user = schemaRegistry.username ?? decodeURIComponent(url.username);
  const password = schemaRegistry.password ?? decodeURIComponent(url.password);
  const headers: Record<string, string> =
    user === '' ? {} : { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
  const address = `${urlAddress(schemaRegistry.url)}/subjects/${encodeURIComponent(subject)}/versions/latest`;
  const answer = await exchange(address, { headers }, { deadlineMs: requestMs, signal });
  const body = parseJson(answer.text);
  const latest = latestVersion.safeParse(body).data;
  // A server that refuses or redirects us may still be a registry; the inspection reports the cause.
  const isClosed = answer.status === 401 || answer.status === 403 || (answer.status >= 300 && answer.status < 400);
  if (latest === undefined && !isClosed && !registryError.safeParse(body).success) return { kind: 'no_registry' };
  return { kind: 'answered', id: latest?.id ?? null };
}

async function probeMongo(context: OperationContext): Probed<MongoFacts> {
  const { encryptionKey } = context.config;
  return withMongo(context, async ({ db }) => {
    const { latencyMs } = await timed(async () => db.command({ ping: 1 }));
    const [report, connections, handshakes, failedSearches] = await Promise.all([
      inspectMongo(db, mongoLayoutOf(context)),
      createConnectionStore(db).list(),
      probeHandshakes(createHandshakeStore({ db, encryptionKey })),
      probeSweeps(createSweepLedger(db)),
    ]);
    return { latencyMs, facts: { ...report, connections: connectionFacts(connections, encryptionKey), handshakes, failedSearches } };
  });
}

const tenantsNamed = 20;

async function probeSweeps(ledger: SweepLedger): Promise<MongoFacts['failedSearches']> {
  const some = (await ledger.incomplete()).slice(0, tenantsNamed);
  const sweeps = (await Promise.all(some.map((workspaceId) => ledger.list(workspaceId)))).flat();
  return sweeps.flatMap(({ workspaceId, last }) => (last?.incomplete?.searches ?? []).map((search) => ({ workspaceId, ...search })));
}

async function probeHandshakes(store: HandshakeStore): Promise<HandshakeFacts[]> {
  return Promise.all(
    (['notion', 'nango'] as const).map(async (slot) => {
      const { kind } = await store.status(slot);
      return { slot, status: kind, isReadable: await isReadable(store, slot) };
    }),
  );
}

async function isReadable(store: HandshakeStore, slot: HandshakeSlot): Promise<boolean> {
  try {
    await store.get(slot);
    return true;
  } catch (error) {
    if (error instanceof StoreUnavailableError) throw error;
    return false;
  }
}

export function connectionFacts(connections: readonly Connection[], encryptionKey: Buffer | null): ConnectionFacts {
  const byStatus = { active: 0, paused: 0, unauthorized: 0, deleted: 0 };
  for (const { status } of connections) byStatus[status] += 1;
  const active = connections.filter(({ status }) => status === 'active');
  const stored = active.filter(({ token }) => token !== null);
  return {
    byStatus,
    unauthorized: connections.filter(({ status }) => status === 'unauthorized').map(({ connectionId }) => connectionId),
    heldByNango: active.length - stored.length,
    stored: stored.length,
    unreadable:
      encryptionKey === null
        ? []
        : stored.filter((connection) => !opens(encryptionKey, connection)).map(({ connectionId }) => connectionId),
  };
}

function opens(key: Buffer, { connectionId, token }: Connection): boolean {
  try {
    return token !== null && decryptToken(key, connectionId, token) !== '';
  } catch {
    return false;
  }
}

async function probeNotion(config: Config<'cli' | 'console'>, signal: AbortSignal): Probed<{ status: number }> {
  const url = `${config.notionApiUrl}/v1/users/me`;
  const headers = { 'notion-version': notionVersion };
  const { latencyMs, value } = await timed(async () => exchange(url, { headers }, { deadlineMs: requestMs, signal }));
  return { latencyMs, facts: { status: value.status } };
}

const connectionsPage = z.object({ connections: z.array(z.object({ connection_id: z.string(), provider_config_key: z.string() })) });
const withCredentials = z.object({ credentials: z.record(z.string(), z.unknown()) });

/** `credentials` is `{}` when the key may not read them. */
async function probeNango(nango: { readonly url: string; readonly apiKey: string }, signal: AbortSignal): Probed<NangoFacts> {
  const get = async (path: string): Promise<HttpAnswer> =>
    exchange(`${nango.url}${path}`, { headers: { authorization: `Bearer ${nango.apiKey}` } }, { deadlineMs: requestMs / 2, signal });
  const { latencyMs, value: page } = await timed(async () => get('/connections?limit=1'));
  const [first] = connectionsPage.safeParse(parseJson(page.text)).data?.connections ?? [];
  if (page.status !== 200 || first === undefined) return { latencyMs, facts: { status: page.status, readsCredentials: null } };
  const query = new URLSearchParams({ provider_config_key: first.provider_config_key });
  const answer = await get(`/connections/${encodeURIComponent(first.connection_id)}?${query.toString()}`);
  const credentials = withCredentials.safeParse(parseJson(answer.text)).data?.credentials;
  const readsCredentials = answer.status === 403 ? false : credentials === undefined ? null : Object.keys(credentials).length > 0;
  return { latencyMs, facts: { status: page.status, readsCredentials } };
}

const answerBody = z.object({ status: z.string() });

async function probeIngress(baseUrl: string, keys: readonly string[], signal: AbortSignal): Probed<IngressFacts> {
  const body = harmlessWebhook('mirror-doctor');
  const post = async (signature: string | null): Promise<HttpReply> => {
    const headers = { 'content-type': 'application/json', ...(signature === null ? {} : { 'x-nango-hmac-sha256': signature }) };
    const url = `${baseUrl.replace(/\/+$/, '')}/webhooks/nango`;
    const answer = await exchange(url, { method: 'POST', headers, body }, { deadlineMs: requestMs, signal });
    return { status: answer.status, word: answerBody.safeParse(parseJson(answer.text)).data?.status ?? null };
  };
  const { latencyMs, value: unsigned } = await timed(async () => post(null));
  const signed = await Promise.all(keys.map(async (key) => post(nangoSignature(key, body))));
  return { latencyMs, facts: { unsigned, signed } };
}
