import { createHmac, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import kafkajs from 'kafkajs';
import { MongoClient } from 'mongodb';
import { createCustomer, type Customer } from '@notion-mirror/demo/customers';
import { richText } from '@notion-mirror/demo/notion-user';
import { freePort } from '@notion-mirror/local-stack/ports';
import { startEmulatorPair, type EmulatorPair } from '@notion-mirror/emulators/pair';
import { startWatchdog } from '@notion-mirror/local-stack/watchdog';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { waitUntil } from '../wait-until.ts';
import { makeCertificates, type Certificates } from './certificates.ts';
import { createDocumentedRoles, documentedAcls } from './documented-rights.ts';
import { openBareTls, openFrontDoor, type Door, type FrontDoor } from './front-door.ts';
import { mirror, openEar, startProduct, type Env } from './product-process.ts';
import { startSecuredKafka, type KafkaUser, type SecuredKafka } from './secured-kafka.ts';
import { startSecuredMongodb, type SecuredMongodb } from './secured-mongodb.ts';
import { openServerRuntime } from '@notion-mirror/local-stack/server-runtime';

const stack = inject('stack');
const unique = `secure_${randomBytes(4).toString('hex')}`;
const prefix = `${unique}.`;
const secret = (name: string) => `s3cret-${name}-${randomBytes(9).toString('hex')}`;

const services = ['ingress', 'sync-worker', 'delete-worker'] as const;
type Who = (typeof services)[number] | 'console' | 'console-operator' | 'operator';
const who = (name: Who): KafkaUser => ({ name, password: secret(`kafka-${name}`), mechanism: mechanisms[name] });
const mechanisms = {
  ingress: 'scram-sha-512',
  'sync-worker': 'scram-sha-256',
  'delete-worker': 'plain',
  console: 'scram-sha-512',
  'console-operator': 'scram-sha-256',
  operator: 'scram-sha-256',
} as const;
const kafkaUsers: Readonly<Record<Who | 'outsider', KafkaUser>> = {
  ingress: who('ingress'),
  'sync-worker': who('sync-worker'),
  'delete-worker': who('delete-worker'),
  console: who('console'),
  'console-operator': who('console-operator'),
  operator: who('operator'),
  /** Can authenticate, but has no rights. */
  outsider: { name: 'outsider', password: secret('kafka-outsider'), mechanism: 'plain' },
};
const mongodbPassword = secret('mongodb-@:/');
const registry = { user: 'mirror', password: secret('registry') };
const keys = { signing: secret('signing'), api: secret('nango-api'), encryption: randomBytes(32).toString('base64') };
const wrong = { kafka: secret('wrong-kafka'), mongodb: secret('wrong-mongodb'), registry: secret('wrong-registry') };

/** None of these may appear in any output, as text or as bytes. */
const secrets = [
  ...Object.values(kafkaUsers).map(({ password }) => password),
  mongodbPassword,
  encodeURIComponent(mongodbPassword),
  registry.password,
  ...Object.values(keys),
  ...Object.values(wrong),
  ...[registry.password, wrong.registry].map((password) => Buffer.from(`${registry.user}:${password}`).toString('base64')),
];

const ear = openEar();
const cleanUps: (() => Promise<unknown>)[] = [];
let watchdog: Awaited<ReturnType<typeof startWatchdog>>;
let folder: string;
let certificates: Certificates;
let kafka: SecuredKafka;
let mongodb: SecuredMongodb;
let pair: EmulatorPair;
let httpPort: number;
/** The correct settings of an operator. */
let good: Env;

beforeAll(async () => {
  watchdog = await startWatchdog();
  cleanUps.push(() => watchdog.close());
  folder = await mkdtemp(join(tmpdir(), 'notion-mirror-secure-'));
  watchdog.removeFolder(folder);
  cleanUps.push(() => rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }));
  const runtime = await openServerRuntime(watchdog);
  certificates = await makeCertificates(join(folder, 'certificates'), runtime.host);
  [kafka, mongodb] = await Promise.all([
    startSecuredKafka({ runtime, folder: join(folder, 'kafka'), certificates, users: Object.values(kafkaUsers) }),
    startSecuredMongodb({ runtime, folder: join(folder, 'mongodb'), certificates }),
  ]);
  cleanUps.push(
    () => kafka.stop(),
    () => mongodb.stop(),
  );
  await Promise.all([giveKafkaRights(), giveMongodbRights()]);

  httpPort = await freePort();
  // Nango would count an unanswered handshake against the ingress, and hold back its next events.
  const placeholder = createServer((_, response) => response.end()).listen(httpPort, '127.0.0.1');
  pair = await startEmulatorPair({
    nango: { apiKey: keys.api, signingKey: keys.signing, forwardTo: `http://127.0.0.1:${httpPort}/webhooks/nango` },
  });
  cleanUps.push(() => pair.stop());
  await pair.settle();
  placeholder.closeAllConnections();
  await new Promise((resolve) => placeholder.close(resolve));
  const open = (target: string) => door({ kind: 'proxy', target, credentials: null });
  const { origin, pathname } = new URL(stack.schemaRegistryUrl);
  const [registryDoor, notionDoor, nangoDoor] = await Promise.all([
    door({ kind: 'proxy', target: origin, credentials: `${registry.user}:${registry.password}` }),
    open(pair.notion.url),
    open(pair.nango.url),
  ]);
  good = {
    NODE_EXTRA_CA_CERTS: certificates.authority,
    MIRROR_KAFKA_BROKERS: kafka.sasl,
    MIRROR_KAFKA_SSL: 'true',
    ...saslOf(kafkaUsers.operator),
    MIRROR_KAFKA_PARTITIONS: '2',
    MIRROR_SCHEMA_REGISTRY_URL: `${registryDoor.url}${pathname}`,
    MIRROR_SCHEMA_REGISTRY_USERNAME: registry.user,
    MIRROR_SCHEMA_REGISTRY_PASSWORD: registry.password,
    MIRROR_MONGODB_URI: mongodbUri('operator'),
    MIRROR_TOPIC_PREFIX: prefix,
    MIRROR_NANGO_URL: nangoDoor.url,
    MIRROR_NANGO_API_KEY: keys.api,
    MIRROR_CONNECTION_TENANT: 'off',
    MIRROR_NANGO_SIGNING_KEYS: keys.signing,
    MIRROR_NOTION_API_URL: notionDoor.url,
    MIRROR_ENCRYPTION_KEY: keys.encryption,
  };
});

afterAll(async () => {
  for (const cleanUp of cleanUps.toReversed()) await cleanUp();
});

async function giveKafkaRights(): Promise<void> {
  const admin = new kafkajs.Kafka({ brokers: [kafka.inside], logLevel: kafkajs.logLevel.NOTHING }).admin();
  await admin.connect();
  await admin.createAcls({ acl: await documentedAcls(prefix) });
  await admin.disconnect();
}

async function giveMongodbRights(): Promise<void> {
  const db = mongodb.admin.db(unique);
  const roles = await createDocumentedRoles(db);
  for (const role of roles) await db.command({ createUser: role, pwd: mongodbPassword, roles: [role] });
  await db.command({ createUser: 'outsider', pwd: mongodbPassword, roles: [] });
}

async function door(what: Door, certificate = certificates.server): Promise<FrontDoor> {
  const opened = await openFrontDoor(certificate, what);
  cleanUps.push(() => opened.stop());
  return opened;
}

function saslOf({ name, password, mechanism }: KafkaUser): Env {
  return { MIRROR_KAFKA_SASL_MECHANISM: mechanism, MIRROR_KAFKA_SASL_USERNAME: name, MIRROR_KAFKA_SASL_PASSWORD: password };
}

function mongodbUri(user: string, options: { address?: string; password?: string; more?: string } = {}): string {
  const { address = mongodb.address, password = mongodbPassword, more = '' } = options;
  return `mongodb://${user}:${encodeURIComponent(password)}@${address}/${unique}?replicaSet=rs0&tls=true&authSource=${unique}${more}`;
}

function without(env: Env, ...names: readonly string[]): Env {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !names.includes(name)));
}

const sasl = ['MIRROR_KAFKA_SASL_MECHANISM', 'MIRROR_KAFKA_SASL_USERNAME', 'MIRROR_KAFKA_SASL_PASSWORD'] as const;

interface Check {
  readonly area: string;
  readonly id: string;
  readonly status: string;
  readonly detail: string;
  readonly remedy: string | null;
}

/** Runs the doctor; its checks by area. */
async function examine(env: Env): Promise<{ code: number | null; of: (area: string) => Check[] }> {
  const { code, stdout, stderr } = await mirror(ear, env, '--json', 'doctor');
  if (stdout === '') throw new Error(`the doctor printed nothing: ${stderr}`);
  const { checks } = JSON.parse(stdout) as { checks: Check[] };
  return { code, of: (area) => checks.filter((check) => check.area === area) };
}

/** Matches the doctor's check of an unusable server: its detail and the operator's remedy. */
function unusable(detail: RegExp, remedy: RegExp): unknown {
  return [
    expect.objectContaining({
      id: 'reachable',
      status: 'problem',
      detail: expect.stringMatching(detail),
      remedy: expect.stringMatching(remedy),
    }),
  ];
}

describe('with TLS, passwords and the rights of docs/security.md', () => {
  test('mirror init sets everything up', async () => {
    expect(await mirror(ear, good, 'init', '--wait', '0')).toMatchObject({ code: 0 });
  });

  test('each service can do its whole job as its own user', async () => {
    const start = (name: (typeof services)[number], env: Env = {}) => startProduct(name, { ...envOf(name), ...env }, { ear, watchdog });
    const [ingress, firstSyncWorker, deleteWorker] = await Promise.all([start('ingress'), start('sync-worker'), start('delete-worker')]);
    const all = [ingress, firstSyncWorker, deleteWorker];
    await waitUntil(async () => (await Promise.all(all.map((service) => service.ask('/readyz')))).every(({ status }) => status === 200), {
      describe: () => all.map((service) => service.said()).join('\n'),
    });
    // Not earlier: Nango announces a new connection, and stops calling an unreachable ingress for a minute.
    const acme = await connect('acme');

    const reader = new MongoClient(mongodbUri('reader'), { tlsCAFile: certificates.authority });
    cleanUps.push(() => reader.close());
    const databases = reader.db(unique).collection('databases');
    const { databaseId } = await acme.user.createDatabase(acme.pages.home, 'Recipes', { Name: { title: {} } });
    const isTitled = async (title: string) => (await databases.findOne({ databaseId }))?.['title'] === title;
    await waitUntil(() => isTitled('Recipes'), { describe: () => all.map((service) => service.said()).join('\n') });
    for (const name of ['rows', 'data_source_contents']) await reader.db(unique).collection(name).findOne();
    for (const name of ['connections', 'row_records']) {
      await expect(reader.db(unique).collection(name).findOne()).rejects.toThrow(/not authorized/);
    }

    // A handshake is stored, an unreadable body becomes a dead letter.
    expect(await post('notion', '{"verification_token":"secret_first"}')).toEqual({ status: 'handled' });
    expect(await post('nango', '{"verification_token":"secret_second"}')).toEqual({ status: 'handled' });
    expect(await post('nango', '{"from":"notion","type":"forward"}')).toEqual({ status: 'quarantined' });
    // So does a record that is not an event, in either worker.
    await appendGarbage();
    await Promise.all([
      firstSyncWorker.until(/"outcome":"dead_letter"|dead letter/),
      deleteWorker.until(/"outcome":"dead_letter"|dead letter/),
    ]);

    // An event of a paused connection is parked and later released.
    await firstSyncWorker.stop();
    await acme.user.editDatabase(databaseId, { title: richText('Secret recipes') });
    await pair.settle();
    await mirror(ear, good, 'connections', 'pause', acme.connectionId);
    const syncWorker = await start('sync-worker');
    await syncWorker.until(/"outcome":"parked"/);
    await mirror(ear, good, 'connections', 'resume', acme.connectionId);
    await waitUntil(() => isTitled('Secret recipes'), { describe: () => syncWorker.said() });

    // While Kafka is unreachable an event waits in MongoDB.
    expect(await ingress.stop()).toBe(0);
    const cutOff = await start('ingress', { MIRROR_KAFKA_BROKERS: `127.0.0.1:${await freePort()}` });
    await cutOff.until(/public port listens/);
    await acme.user.editDatabase(databaseId, { title: richText('Very secret recipes') });
    await pair.settle();
    expect(await mongodb.admin.db(unique).collection('spooled_events').countDocuments()).toBe(1);
    await cutOff.stop();
    const laterIngress = await start('ingress');
    await waitUntil(() => isTitled('Very secret recipes'), { describe: () => laterIngress.said() });

    await acme.user.editDatabase(databaseId, { in_trash: true });
    await waitUntil(async () => (await databases.countDocuments()) === 0);
    const running = [laterIngress, syncWorker, deleteWorker];
    await Promise.all(running.map((service) => service.ask('/metrics')));
    const { code, of } = await examine(good);
    expect([...of('kafka'), ...of('schema registry'), ...of('mongodb')].filter(({ status }) => status === 'problem')).toEqual([]);
    expect(code).toBe(0);
    expect(await Promise.all(running.map((service) => service.stop()))).toEqual([0, 0, 0]);
    for (const service of [ingress, firstSyncWorker, cutOff, ...running]) {
      expect(service.said()).not.toMatch(/authorization failed|not authorized/i);
    }
  });

  test('the console shows everything as its own user, and asks Notion', async () => {
    const { console, port, ask, act, actions } = await startConsole('console');
    const removed = JSON.parse((await ask('tenants/acme/databases?removed=1')).text) as { databases: { databaseId: string }[] };
    const id = removed.databases[0]?.databaseId ?? '';
    const lists = [
      'me',
      'status',
      'tenants',
      'tenants/acme',
      'events',
      'tenants/acme/databases',
      `find?q=${id}`,
      'replays',
      'sweeps',
      'audit',
      'config',
    ];
    const ofOne = ['', '/raw', '/history'].map((part) => `tenants/acme/databases/${id}${part}`);
    for (const path of [...lists, ...ofOne, 'dead-letters', 'dead-letters/letters']) expect(await ask(path)).toMatchObject({ status: 200 });
    expect(JSON.parse((await ask('status')).text)).toMatchObject({ unavailable: [], groups: [{ lag: expect.any(Number) }, {}] });
    const { letters } = JSON.parse((await ask('dead-letters/letters')).text) as { letters: { ref: string }[] };
    expect(await ask(`dead-letters/${letters[0]?.ref.replace(':', '/') ?? ''}`)).toMatchObject({ status: 200 });
    const explained = (await ask(`explain/${id}`)).text;
    expect(explained).toMatch(/event: done/);
    expect(explained).not.toMatch(/event: failed/);
    const checked = await act(`tenants/acme/databases/${id}/check`, {});
    expect(checked).toMatchObject({ status: 200, text: expect.stringContaining('"verdict":"equal"') });
    const stream = await fetch(`http://127.0.0.1:${port}/api/stream`);
    await stream.body?.getReader().read();
    const [, checks = ''] = /event: checks\ndata: (.*)/.exec((await ask('doctor')).text) ?? [];
    const problems = (JSON.parse(checks) as { checks: Check[] }).checks.filter(({ status }) => status === 'problem');
    expect(problems.filter(({ area }) => ['kafka', 'schema registry', 'mongodb'].includes(area))).toEqual([]);
    // It only reads: it says so, and is refused by the servers, too.
    await expect.poll(async () => (await actions())['redrive']).toMatchObject({ allowed: false, why: expect.stringMatching(/insert/) });
    expect(await act('tenants/acme/compare', { reason: 'a test' })).toMatchObject({
      status: 403,
      text: expect.stringContaining('not_allowed_here'),
    });
    expect(await console.stop()).toBe(0);
    expect(console.said()).not.toMatch(/authorization failed|not authorized/i);
  });

  test('a console that acts needs no more than the rights for that', async () => {
    const { console, ask, act, actions } = await startConsole('console-operator');
    await expect.poll(async () => (await actions())['redrive']).toEqual({ allowed: true });
    const { signOut: _, replay, replaySwitch, ...others } = await actions();
    expect(Object.values(others)).toEqual(Object.values(others).map(() => ({ allowed: true })));
    expect([replay, replaySwitch]).toMatchObject([
      { allowed: false, why: expect.stringContaining('in database_records') },
      { allowed: false },
    ]);

    const plan = JSON.parse((await act('plans', { action: 'redrive', filter: { class: 'poison' } })).text) as {
      id: string;
      letters: number;
    };
    expect(plan.letters).toBeGreaterThan(0);
    const run = await act(`plans/${plan.id}/run`, { reason: 'a test', canary: false });
    const { id } = JSON.parse(run.text) as { id: string };
    await expect
      .poll(async () => JSON.parse((await ask(`jobs/${id}`)).text), { timeout: 90_000 })
      .toMatchObject({
        state: expect.stringMatching(/waiting|done/),
        left: 0,
        failure: null,
      });
    const { actions: trail } = JSON.parse((await ask('audit')).text) as {
      actions: { target: { connectionId?: string }; workspaceId: string }[];
    };
    const connectionId =
      trail.find(({ workspaceId, target }) => workspaceId === 'acme' && target.connectionId !== undefined)?.target.connectionId ?? '';
    for (const action of ['pause', 'resume']) {
      expect(await act(`connections/${connectionId}/${action}`, { reason: 'a test' })).toMatchObject({ status: 200 });
    }
    expect(await act('tenants/acme/compare', { reason: 'a test' })).toMatchObject({ status: 200 });
    expect(await console.stop()).toBe(0);
    expect(console.said()).not.toMatch(/authorization failed|not authorized/i);
  });

  test('a console that may not append to the log says so before anyone tries', async () => {
    const { console, act, actions } = await startConsole('console-operator', saslOf(kafkaUsers.console));
    await expect.poll(async () => (await actions())['drop']).toEqual({ allowed: true });
    expect((await actions())['redrive']).toEqual({ allowed: false, why: 'Kafka does not let this console append events.' });
    expect(await act('plans', { action: 'drop', filter: { class: 'none' } })).toMatchObject({ status: 200 });
    expect(await console.stop()).toBe(0);
    expect(console.said()).not.toMatch(/authorization failed|not authorized/i);
  });

  test.each<[string, () => Env]>([
    ['TLS alone', () => ({ ...without(good, ...sasl), MIRROR_KAFKA_BROKERS: kafka.tls })],
    [
      'a client certificate and a private authority',
      () => ({
        ...without(good, ...sasl),
        MIRROR_KAFKA_BROKERS: kafka.mutualTls,
        MIRROR_KAFKA_SSL_CA_FILE: certificates.authority,
        MIRROR_KAFKA_SSL_CERT_FILE: certificates.client.cert,
        MIRROR_KAFKA_SSL_KEY_FILE: certificates.client.key,
      }),
    ],
  ])('Kafka is reached with %s', async (_, env) => {
    const { of } = await examine(env());
    expect(of('kafka')[0]).toMatchObject({ id: 'reachable', status: 'ok' });
  });
});

describe('each connection problem is reported with the variable that fixes it', () => {
  test('an unconfigured authority', async () => {
    const { code, of } = await examine(without(good, 'NODE_EXTRA_CA_CERTS'));
    expect(code).toBe(1);
    expect(of('kafka')).toEqual(unusable(/unable to verify|self-signed/, /NODE_EXTRA_CA_CERTS.*MIRROR_KAFKA_SSL_CA_FILE/));
    expect(of('schema registry')).toEqual(unusable(/UNABLE_TO|SELF_SIGNED/, /NODE_EXTRA_CA_CERTS/));
    expect(of('mongodb')).toEqual(unusable(/unable to verify|self-signed/, /NODE_EXTRA_CA_CERTS.*tlsCAFile in MIRROR_MONGODB_URI/));
    expect(of('nango')).toEqual(unusable(/UNABLE_TO|SELF_SIGNED/, /NODE_EXTRA_CA_CERTS/));
    expect(of('notion')).toEqual(unusable(/UNABLE_TO|SELF_SIGNED/, /NODE_EXTRA_CA_CERTS/));
  });

  test('the wrong authority, configured for each server in turn', async () => {
    const { of } = await examine({
      ...good,
      MIRROR_KAFKA_SSL_CA_FILE: certificates.otherAuthority,
      MIRROR_MONGODB_URI: mongodbUri('operator', { more: `&tlsCAFile=${encodeURIComponent(certificates.otherAuthority)}` }),
    });
    expect(of('kafka')).toEqual(unusable(/unable to verify|self-signed/, /MIRROR_KAFKA_SSL_CA_FILE/));
    expect(of('mongodb')).toEqual(unusable(/unable to verify|self-signed/, /tlsCAFile in MIRROR_MONGODB_URI/));
    expect(of('schema registry')[0]).toMatchObject({ status: 'ok' });
  });

  test.each<[string, 'expired' | 'elsewhere', RegExp, RegExp]>([
    ['a certificate that has expired', 'expired', /certificate has expired|CERT_HAS_EXPIRED/, /valid certificate/],
    ['a certificate for another host', 'elsewhere', /altnames|ALTNAME_INVALID/, /MIRROR_\w+_(BROKERS|URL|URI)|the URL/],
  ])('%s', async (_, kind, detail, remedy) => {
    const bare = await openBareTls(certificates[kind]);
    cleanUps.push(() => bare.stop());
    const url = `https://127.0.0.1:${bare.port}`;
    const { code, of } = await examine({
      ...good,
      MIRROR_KAFKA_BROKERS: `127.0.0.1:${bare.port}`,
      MIRROR_SCHEMA_REGISTRY_URL: url,
      MIRROR_MONGODB_URI: mongodbUri('operator', { address: `127.0.0.1:${bare.port}` }),
      MIRROR_NANGO_URL: url,
      MIRROR_NOTION_API_URL: url,
    });
    expect(code).toBe(1);
    for (const area of ['kafka', 'schema registry', 'mongodb', 'nango', 'notion']) expect(of(area)).toEqual(unusable(detail, remedy));
  });

  test('wrong passwords, for mirror doctor and for mirror init', async () => {
    const env = withWrongPasswords();
    const [{ code, of }, init] = await Promise.all([examine(env), mirror(ear, env, '--verbose', 'init', '--wait', '0')]);
    expect(code).toBe(1);
    expect(of('kafka')).toEqual(unusable(/authentication failed/i, /MIRROR_KAFKA_SASL_PASSWORD/));
    expect(of('schema registry')).toEqual(unusable(/401/, /MIRROR_SCHEMA_REGISTRY_PASSWORD/));
    expect(of('mongodb')).toEqual(unusable(/Authentication failed/, /MIRROR_MONGODB_URI/));
    expect(init.code).toBe(1);
    for (const variable of ['MIRROR_KAFKA_SASL_PASSWORD', 'MIRROR_SCHEMA_REGISTRY_PASSWORD', 'MIRROR_MONGODB_URI']) {
      expect(init.stderr).toContain(variable);
    }
  });

  test('users without rights', async () => {
    const forbidden = await door({ kind: 'answers', status: 403, headers: {} });
    const env = {
      ...good,
      ...saslOf(kafkaUsers.outsider),
      MIRROR_SCHEMA_REGISTRY_URL: forbidden.url,
      MIRROR_MONGODB_URI: mongodbUri('outsider'),
    };
    const [{ code, of }, init] = await Promise.all([examine(env), mirror(ear, env, 'init', '--wait', '0')]);
    expect(init).toMatchObject({ code: 1, stderr: expect.stringMatching(/lacks an ACL: docs.security.md/) });
    expect(code).toBe(1);
    expect(of('kafka').find(({ status }) => status === 'problem')?.remedy).toMatch(/ACL: docs.security.md/);
    expect(of('schema registry')).toEqual(unusable(/403/, /MIRROR_SCHEMA_REGISTRY_USERNAME/));
    expect(of('mongodb')).toEqual(unusable(/not authorized/, /MIRROR_MONGODB_URI lacks a role: docs\/security.md/));
  });

  test('TLS to a plain server, plain to a TLS server, and a missing client certificate', async () => {
    const [noTls, tls, noCertificate] = await Promise.all([
      examine({
        ...without(good, ...sasl),
        MIRROR_KAFKA_BROKERS: kafka.inside,
        MIRROR_SCHEMA_REGISTRY_URL:
          good['MIRROR_SCHEMA_REGISTRY_URL']?.replace(/:\d+\//, `:${new URL(stack.schemaRegistryUrl).port}/`) ?? '',
        MIRROR_MONGODB_URI: mongodbUri('operator', { address: new URL(stack.mongodbUri).host }),
      }),
      examine({ ...without(good, ...sasl, 'MIRROR_KAFKA_SSL'), MIRROR_KAFKA_BROKERS: kafka.tls }),
      examine({ ...without(good, ...sasl), MIRROR_KAFKA_BROKERS: kafka.mutualTls }),
    ]);
    expect(noTls.of('kafka')).toEqual(unusable(/./, /MIRROR_KAFKA_SSL=false/));
    expect(noTls.of('schema registry')).toEqual(unusable(/./, /http:\/\//));
    expect(noTls.of('mongodb')).toEqual(unusable(/./, /MIRROR_MONGODB_URI/));
    expect(tls.of('kafka')).toEqual(unusable(/./, /MIRROR_KAFKA_SSL/));
    expect(noCertificate.of('kafka')).toEqual(unusable(/./, /MIRROR_KAFKA_SSL_CERT_FILE/));
  });

  test('a redirect is not followed: its target gets no key, token or password', async () => {
    const elsewhere = await door({ kind: 'answers', status: 200, headers: { 'content-type': 'application/json' } });
    const redirecting = await Promise.all(
      [301, 307, 308].map((status) => door({ kind: 'answers', status, headers: { location: `${elsewhere.url}/stolen` } })),
    );
    const [registryDoor, nangoDoor, notionDoor] = redirecting;
    const env = {
      ...good,
      MIRROR_SCHEMA_REGISTRY_URL: registryDoor?.url ?? '',
      MIRROR_NANGO_URL: nangoDoor?.url ?? '',
      MIRROR_NOTION_API_URL: notionDoor?.url ?? '',
    };
    const [{ of }, init] = await Promise.all([examine(env), mirror(ear, env, 'init', '--wait', '0')]);
    expect(of('schema registry')).toEqual(unusable(/301/, /MIRROR_SCHEMA_REGISTRY_URL must be the final address/));
    expect(of('nango')).toEqual(
      expect.arrayContaining([expect.objectContaining({ status: 'problem', detail: expect.stringContaining('307') })]),
    );
    expect(of('notion')).toEqual(
      expect.arrayContaining([expect.objectContaining({ status: 'warning', detail: expect.stringContaining('308') })]),
    );
    expect(init).toMatchObject({ code: 1, stderr: expect.stringContaining('MIRROR_SCHEMA_REGISTRY_URL must be the final address') });
    for (const { requests } of redirecting) expect(requests.length).toBeGreaterThan(0);
    expect(elsewhere.requests).toEqual([]);
  });

  test('invalid certificate files end every process with exit code 78', async () => {
    const noPem = join(folder, 'no.pem');
    await writeFile(noPem, 'nothing');
    const env = { ...good, MIRROR_KAFKA_SSL_CA_FILE: noPem, MIRROR_KAFKA_SSL_KEY_FILE: join(folder, 'missing.pem') };
    const ended = await Promise.all(services.map(async (name) => startProduct(name, env, { ear, watchdog })));
    expect(await Promise.all(ended.map(({ exited }) => exited))).toEqual([78, 78, 78]);
    for (const { said } of ended) expect(said()).toMatch(/MIRROR_KAFKA_SSL_CA_FILE: .*\n.*MIRROR_KAFKA_SSL_KEY_FILE: /);
    expect(await mirror(ear, env, 'init')).toMatchObject({ code: 78, stderr: expect.stringContaining('MIRROR_KAFKA_SSL_CA_FILE') });
  });
});

describe('a service that is denied access', () => {
  test('exits when MongoDB refuses its password, since retrying cannot help', async () => {
    const env = withWrongPasswords();
    const running = await Promise.all(
      services.map((name) => startProduct(name, { ...env, MIRROR_HTTP_PORT: '0', MIRROR_LOG_LEVEL: 'trace' }, { ear, watchdog })),
    );
    expect(await Promise.all(running.map(({ exited }) => exited))).toEqual([1, 1, 1]);
    for (const { said } of running)
      expect(said()).toMatch(/"level":"fatal".*check the user, the password and authSource in MIRROR_MONGODB_URI/);
  });

  test('waits for the registry, then for Kafka, names the variable to check, and stops cleanly', async () => {
    const { MIRROR_MONGODB_URI: _, ...wrongOnes } = withWrongPasswords();
    const running = await Promise.all([
      ...services.map((name) =>
        startProduct(
          name,
          { ...envOf(name), ...pick(wrongOnes, 'MIRROR_SCHEMA_REGISTRY_PASSWORD'), MIRROR_HTTP_PORT: '0', MIRROR_LOG_LEVEL: 'trace' },
          { ear, watchdog },
        ),
      ),
      ...services.map((name) =>
        startProduct(
          name,
          { ...envOf(name), ...pick(wrongOnes, 'MIRROR_KAFKA_SASL_PASSWORD'), MIRROR_HTTP_PORT: '0', MIRROR_LOG_LEVEL: 'trace' },
          { ear, watchdog },
        ),
      ),
    ]);
    const variables = [...services.map(() => 'MIRROR_SCHEMA_REGISTRY_PASSWORD'), ...services.map(() => 'MIRROR_KAFKA_SASL_PASSWORD')];
    await Promise.all(running.map((service, index) => service.until(new RegExp(`"level":"warn".*"hint":"[^"]*${variables[index] ?? ''}`))));
    const answers = await Promise.all(running.map(async (service) => [await service.ask('/readyz'), await service.ask('/metrics')]));
    expect(answers.map(([ready]) => ready?.status)).toEqual(running.map(() => 503));
    expect(await Promise.all(running.map((service) => service.stop()))).toEqual(running.map(() => 0));
  });
});

test('no output of any of these runs contains a secret', () => {
  const heard = ear.heard();
  expect(heard.length).toBeGreaterThan(50_000);
  expect(secrets.filter((text) => heard.includes(text) || heard.includes(Buffer.from(text).join(',')))).toEqual([]);
});

function withWrongPasswords(): Env {
  return {
    ...good,
    MIRROR_KAFKA_SASL_PASSWORD: wrong.kafka,
    MIRROR_SCHEMA_REGISTRY_PASSWORD: wrong.registry,
    MIRROR_MONGODB_URI: mongodbUri('operator', { password: wrong.mongodb }),
  };
}

function pick(env: Env, name: string): Env {
  return { [name]: env[name] ?? '' };
}

async function post(route: 'nango' | 'notion', body: string): Promise<unknown> {
  const answer = await fetch(`http://127.0.0.1:${httpPort}/webhooks/${route}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-nango-hmac-sha256': createHmac('sha256', keys.signing).update(body).digest('hex') },
    body,
  });
  return answer.json();
}

async function appendGarbage(): Promise<void> {
  const producer = new kafkajs.Kafka({ brokers: [kafka.inside], logLevel: kafkajs.logLevel.NOTHING }).producer();
  await producer.connect();
  const messages = ['sync', 'delete'].map((kind) => ({ key: 'acme', value: Buffer.from('garbage'), headers: { 'mirror-kind': kind } }));
  await producer.send({ topic: `${prefix}notion.database-events`, messages });
  await producer.disconnect();
}

async function connect(workspaceId: string): Promise<Customer> {
  const customer = createCustomer(pair, workspaceId, workspaceId);
  const added = await mirror(ear, good, 'connections', 'add', customer.connectionId, '--workspace-id', workspaceId);
  expect(added).toMatchObject({ code: 0 });
  return customer;
}

async function startConsole(user: 'console' | 'console-operator', change: Env = {}) {
  const env = { ...envOf(user), ...change, MIRROR_CONSOLE_PORT: '0', MIRROR_CONSOLE_PAGE: folder };
  const console = await startProduct('console', env, { ear, watchdog });
  await console.until(/console port listens/);
  const [, port = ''] = /"port":(\d+)[^\n]*console port listens/.exec(console.said()) ?? [];
  const ask = async (path: string, request: RequestInit = {}) => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/${path}`, request);
    const text = await answer.text();
    ear.hear(text);
    return { status: answer.status, text };
  };
  const headers = { 'content-type': 'application/json', origin: `http://127.0.0.1:${port}` };
  const act = async (path: string, body: object) => ask(path, { method: 'POST', headers, body: JSON.stringify(body) });
  const actions = async () =>
    (JSON.parse((await ask('me')).text) as { actions: Record<string, { allowed: boolean; why?: string }> }).actions;
  return { console, port, ask, act, actions };
}

function envOf(name: Exclude<Who, 'operator'>): Env {
  return {
    ...good,
    ...saslOf(kafkaUsers[name]),
    MIRROR_MONGODB_URI: mongodbUri(name),
    MIRROR_HTTP_HOST: '127.0.0.1',
    MIRROR_HTTP_PORT: String(httpPort),
  };
}
