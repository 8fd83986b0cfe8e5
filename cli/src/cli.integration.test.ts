import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { createKafka } from '@notion-mirror/event-log/kafka-client';
import { databaseStates } from '@notion-mirror/event-log/entities/database-state';
import { rowStates } from '@notion-mirror/event-log/entities/row-state';
import { stateLogOf } from '@notion-mirror/event-log/state-contract';
import { topicsFor } from '@notion-mirror/event-log/topics';
import { openMongo, type Mongo } from '@notion-mirror/mirror-store/client';
import { createConnectionNotices } from '@notion-mirror/mirror-store/connection-notices';
import { createHandshakeStore } from '@notion-mirror/mirror-store/handshake-store';
import { decryptToken } from '@notion-mirror/mirror-store/token-cipher';
import { createLogger } from '@notion-mirror/service-kit/logger';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { startHttpServer, type Reply } from '../../packages/operations/test/http-server.ts';
import { deadPort, silentPort } from '../test/ports.ts';
import { mirror as run, type Run } from '../test/surroundings.ts';

const stack = inject('stack');
const name = `cli_${randomUUID().slice(0, 8)}`;
const prefix = `${name}.`;
const topics = topicsFor(prefix);
const stateLog = stateLogOf(prefix, databaseStates);
const rowLog = stateLogOf(prefix, rowStates);
const encryptionKey = Buffer.alloc(32, 7);
const secrets = {
  MIRROR_NANGO_API_KEY: 'nango-api-secret',
  MIRROR_NANGO_SIGNING_KEYS: 'signing-secret-1,signing-secret-2',
  MIRROR_ENCRYPTION_KEY: encryptionKey.toString('base64'),
};
const storedToken = 'ntn_stored_token_secret';
const workspace = '13950b26-c203-4f3b-b97d-93ec06319565';
const bot = '1edc05f6-2702-81b5-8408-00279347f034';

const folder = mkdtempSync(join(tmpdir(), 'mirror-cli-'));
let mongo: Mongo;
let env: Record<string, string>;
let nango: Awaited<ReturnType<typeof startHttpServer>>;
let notion: Awaited<ReturnType<typeof startHttpServer>>;

/** The inherited environment, without our own settings. */
const inherited = { PATH: process.env['PATH'], NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] };

/** The output of all runs. */
let printed = '';

beforeAll(async () => {
  const mongodbUri = new URL(stack.mongodbUri);
  mongodbUri.pathname = `/${name}`;
  mongo = await openMongo(mongodbUri.href, { appName: 'cli-test' });
  nango = await startHttpServer(({ url, headers }) => answerOfNango(url ?? '', headers.authorization));
  notion = await startHttpServer(() => ({ status: 401, body: { code: 'unauthorized' } }));
  env = {
    MIRROR_KAFKA_BROKERS: stack.kafkaBrokers,
    MIRROR_KAFKA_PARTITIONS: '3',
    MIRROR_SCHEMA_REGISTRY_URL: stack.schemaRegistryUrl,
    MIRROR_MONGODB_URI: mongodbUri.href,
    MIRROR_TOPIC_PREFIX: prefix,
    MIRROR_NANGO_URL: nango.url,
    MIRROR_NOTION_API_URL: notion.url,
    ...secrets,
  };
});

afterAll(async () => {
  rmSync(folder, { recursive: true });
  const kafka = createKafka({
    brokers: stack.kafkaBrokers.split(','),
    ssl: false,
    sasl: null,
    clientId: 'cli-test',
    logger: createLogger({ service: 'test', level: 'silent' }),
  });
  const admin = kafka.admin();
  await admin.connect();
  const made = new Set(await admin.listTopics());
  await admin.deleteTopics({
    topics: [topics.events, topics.deadLetters, stateLog.topic, rowLog.topic].filter((topic) => made.has(topic)),
  });
  await admin.disconnect();
  for (const subject of [topics.eventsSubject, stateLog.subject, rowLog.subject]) {
    await fetch(`${stack.schemaRegistryUrl}/subjects/${subject}`, { method: 'DELETE' });
  }
  await mongo.db.dropDatabase();
  await Promise.all([mongo.close(), nango[Symbol.asyncDispose](), notion[Symbol.asyncDispose]()]);
});

function answerOfNango(url: string, authorization: string | undefined): Reply {
  if (authorization !== `Bearer ${secrets.MIRROR_NANGO_API_KEY}`) return { status: 401, body: {} };
  const connection = { connection_id: 'at-nango', provider_config_key: 'notion' };
  if (url === '/connections?limit=1') return { status: 200, body: { connections: [connection] } };
  if (url !== '/connections/at-nango?provider_config_key=notion') return { status: 404, body: { error: { code: 'not_found' } } };
  const credentials = { type: 'OAUTH2', access_token: 'ntn_at_nango_secret', raw: { bot_id: bot } };
  return { status: 200, body: { ...connection, connection_config: { workspace_id: workspace }, credentials } };
}

interface Options {
  readonly env?: Record<string, string>;
  readonly stdin?: string;
}

async function mirror(args: readonly string[], options: Options = {}): Promise<Run> {
  return noted(await run(args, { ...options, env: { ...env, ...options.env } }));
}

/** The same as a real process, which takes seconds to start: for behaviour that depends on it. */
async function mirrorProcess(args: readonly string[], options: Options = {}): Promise<Run> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args], {
    env: { ...inherited, ...env, ...options.env },
  });
  child.stdin.end(options.stdin ?? '');
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return noted({ code: Number(code), stdout, stderr });
}

function noted(result: Run): Run {
  printed += result.stdout + result.stderr;
  return result;
}

async function documentOf(connectionId: string) {
  return mongo.db.collection<{ _id: string; token: string | null; createdAt: Date }>('connections').findOne({ _id: connectionId });
}

interface CheckLine {
  readonly area: string;
  readonly id: string;
  readonly status: string;
  readonly detail: string;
  readonly remedy: string | null;
}

async function doctor(args: readonly string[] = [], change: Record<string, string> = {}, runs = mirror) {
  const { code, stdout } = await runs(['doctor', '--json', ...args], { env: change });
  const report = JSON.parse(stdout) as { ok: boolean; problems: number; checks: CheckLine[] };
  const problems = report.checks.filter(({ status }) => status === 'problem');
  return { code, report, problems };
}

describe('a mirror from nothing', () => {
  test('before init the doctor lists everything missing, and names init as the remedy', async () => {
    const { code, report, problems } = await doctor();
    expect(code).toBe(1);
    expect(report).toMatchObject({ ok: false, problems: problems.length });
    expect(problems.map(({ area, id }) => `${area} ${id}`)).toEqual([
      'kafka topic',
      'kafka topic',
      'kafka topic',
      'kafka topic',
      'schema registry schema',
      'schema registry schema',
      'schema registry schema',
      'mongodb collections',
    ]);
    expect(problems.map(({ remedy }) => remedy)).toEqual(Array.from({ length: 8 }, () => 'mirror init'));
    const human = await mirror(['doctor']);
    expect(human.code).toBe(1);
    expect(human.stdout).toContain(`✗ topic ${topics.events} does not exist\n      → mirror init`);
    expect(human.stdout).not.toContain('\u001B');
  });

  test('init creates everything and reports it', async () => {
    const { code, stdout, stderr } = await mirrorProcess(['init']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(`made     topic ${topics.events} (3 partitions, 1 replica)`);
    expect(stdout).toMatch(new RegExp(`made {5}schema ${topics.eventsSubject} v1 \\(id \\d+\\)`));
    expect(stdout).toContain('made     view databases');
    expect(stdout).toContain('made     view rows');
  });

  test('a second init creates nothing', async () => {
    const { code, stdout } = await mirror(['init', '--json']);
    expect(code).toBe(0);
    const report: unknown = JSON.parse(stdout);
    expect(report).toMatchObject({
      ok: true,
      kafka: {
        topics: [
          { topic: topics.events, created: false, differences: [] },
          { topic: topics.deadLetters, created: false, differences: [] },
          { topic: stateLog.topic, created: false, differences: [] },
          { topic: rowLog.topic, created: false, differences: [] },
        ],
      },
      schemaRegistry: {
        subjects: [
          { subject: topics.eventsSubject, versions: [1, 2] },
          { subject: stateLog.subject, versions: [1, 2] },
          { subject: rowLog.subject, versions: [1] },
        ].map(({ subject, versions }) => ({
          subject,
          versions: versions.map((version) => ({ version, created: false })),
          previousCompatibility: 'FULL_TRANSITIVE',
        })),
      },
      mongodb: { database: name, made: [] },
    });
    expect((await mirror(['init'])).stdout).not.toContain('made');
  });

  test('after init the doctor finds no problem', async () => {
    const { code, report, problems } = await doctor();
    expect(problems).toEqual([]);
    expect(code).toBe(0);
    expect(report.ok).toBe(true);
    expect(report.checks.find(({ area }) => area === 'nango')?.status).toBe('ok');
  });

  test('a different number of partitions is reported by init and the doctor, and changes nothing', async () => {
    const change = { MIRROR_KAFKA_PARTITIONS: '5' };
    const { code, stdout } = await mirror(['init'], { env: change });
    expect(code).toBe(0);
    expect(stdout).toContain(`differs  topic ${topics.events}: partitions is 3, not 5; left as it is`);
    const { report } = await doctor([], change);
    expect(report.checks).toContainEqual(
      expect.objectContaining({ area: 'kafka', id: 'topic', status: 'warning', detail: expect.stringContaining('partitions is 3, not 5') }),
    );
    expect((await mirror(['init', '--json'])).stdout).toContain('"partitions":3');
  });
});

describe('connections', () => {
  test('one known to Nango gets its workspace and bot from Nango', async () => {
    const { code, stdout } = await mirror(['connections', 'add', 'at-nango', '--workspace-id', 'acme']);
    expect(code).toBe(0);
    expect(stdout).toContain('added connection at-nango: tenant acme');
    expect(await documentOf('at-nango')).toMatchObject({
      providerConfigKey: 'notion',
      workspaceId: 'acme',
      notionWorkspaceId: workspace,
      botId: bot,
      status: 'active',
      token: null,
    });
    const unknown = await mirror(['connections', 'add', 'not-at-nango', '--provider-config-key', 'notion']);
    expect(unknown.code).toBe(1);
    expect(unknown.stderr).toContain('knows no connection not-at-nango');
    const noKey = await mirror(['connections', 'add', 'not-at-nango'], { env: { MIRROR_NANGO_API_KEY: '' } });
    expect(noKey.code).toBe(2);
    expect(noKey.stderr).toContain('--notion-workspace-id');
  });

  test('one with a stored token, ids given as a URL and without dashes', async () => {
    const file = join(folder, 'token');
    writeFileSync(file, `${storedToken}\n`);
    const url = `https://www.notion.so/acme/Home-${workspace.replaceAll('-', '')}?pvs=4`;
    const ids = ['--notion-workspace-id', url, '--bot-id', bot.replaceAll('-', '').toUpperCase()];
    const { code, stdout } = await mirror(['connections', 'add', 'own', ...ids, '--token-file', file, '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: true,
      outcome: 'added',
      connection: {
        connectionId: 'own',
        workspaceId: workspace,
        notionWorkspaceId: workspace,
        botId: bot,
        status: 'active',
        tokenHeldBy: 'mirror',
      },
    });
    const stored = await documentOf('own');
    expect(decryptToken(encryptionKey, 'own', stored?.token ?? '')).toBe(storedToken);

    const piped = await mirrorProcess(['connections', 'add', 'piped', '--notion-workspace-id', workspace, '--token-file', '-'], {
      stdin: storedToken,
    });
    expect(piped.code).toBe(0);
  });

  test('one that was left to the operator is no longer, once it is added', async () => {
    const notices = createConnectionNotices(mongo.db);
    const left = { connectionId: 'at-nango', providerConfigKey: 'notion' };
    await notices.note(left, { isDeletion: false });
    const notice = await notices.take(60_000);
    if (notice === null) throw new Error('there is no notice');
    await notices.settle(notice, { takenGrant: null, problem: 'new connections are not added by themselves' });
    const waiting = async () => (JSON.parse((await mirror(['connections', 'list', '--json'])).stdout) as { leftToYou: object[] }).leftToYou;
    expect(await waiting()).toMatchObject([left]);
    await mirror(['connections', 'add', 'at-nango', '--workspace-id', 'acme']);
    expect(await waiting()).toEqual([]);
  });

  test('adding it again changes the given fields and keeps the rest', async () => {
    const before = await documentOf('own');
    const { code, stdout, stderr } = await mirror(['connections', 'add', 'own', '--workspace-id', 'other-tenant']);
    expect(code).toBe(0);
    expect(stdout).toContain('updated connection own: tenant other-tenant');
    expect(stderr).toContain(`moved from tenant ${workspace} to other-tenant`);
    expect(await documentOf('own')).toMatchObject({
      workspaceId: 'other-tenant',
      notionWorkspaceId: workspace,
      botId: bot,
      token: before?.token,
      createdAt: before?.createdAt,
    });
    await mirror(['connections', 'add', 'own', '--forget-token']);
    expect(await documentOf('own')).toMatchObject({ workspaceId: 'other-tenant', token: null });
    await mirror(['connections', 'add', 'own', '--token-file', '-'], { stdin: storedToken });
  });

  test('list shows all connections or one tenant’s, without tokens', async () => {
    const { code, stdout } = await mirror(['connections', 'list']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/at-nango +acme +13950b26-c203-4f3b-b97d-93ec06319565 +active +nango/);
    expect(stdout).toMatch(/own +other-tenant .* active +mirror/);
    const some: unknown = JSON.parse((await mirror(['connections', 'list', '--workspace-id', 'acme', '--json'])).stdout);
    expect(some).toMatchObject({ ok: true, connections: [{ connectionId: 'at-nango' }] });
    expect((await mirror(['connections', 'list', '--workspace-id', 'unknown'])).stdout).toContain('There are no connections');
  });

  test('pause, resume and remove, each twice, then add again', async () => {
    const paused = await mirror(['connections', 'pause', 'own', '--reason', 'asked by\nthe customer']);
    expect(paused.stdout).toContain('paused (asked by?the customer)');
    expect((await mirror(['connections', 'pause', 'own'])).stdout).toContain('paused already');
    expect(await documentOf('own')).toMatchObject({ status: 'paused', statusReason: 'asked by?the customer' });
    expect((await mirror(['connections', 'resume', 'own'])).code).toBe(0);
    expect((await mirror(['connections', 'resume', 'own'])).stdout).toContain('active already');
    expect(await documentOf('own')).toMatchObject({ status: 'active', statusReason: null });

    expect(await mirror(['connections', 'remove', 'own'])).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') });
    const removed = await mirror(['connections', 'remove', 'own', '--yes']);
    expect(removed).toMatchObject({ code: 0, stdout: expect.stringContaining('The documents of its databases stay') });
    expect(await documentOf('own')).toMatchObject({ status: 'deleted', token: null });
    expect((await mirror(['connections', 'remove', 'own', '--yes'])).stdout).toContain('deleted already');
    for (const command of ['pause', 'resume']) {
      expect(await mirror(['connections', command, 'own'])).toMatchObject({ code: 1, stderr: expect.stringContaining('is deleted') });
    }
    expect((await mirror(['connections', 'add', 'own', '--token-file', '-'], { stdin: storedToken })).code).toBe(0);
    expect(await documentOf('own')).toMatchObject({ status: 'active', workspaceId: 'other-tenant' });
    expect(await mirror(['connections', 'pause', 'unknown'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('there is no connection unknown'),
    });
  });

  test('the doctor checks the connections, and reports a key that does not decrypt their tokens', async () => {
    const { report } = await doctor();
    expect(report.checks).toContainEqual(expect.objectContaining({ area: 'connections', status: 'ok', detail: '3 active' }));
    const { code, problems } = await doctor([], { MIRROR_ENCRYPTION_KEY: Buffer.alloc(32, 8).toString('base64') });
    expect(code).toBe(1);
    expect(problems).toMatchObject([{ area: 'connections', id: 'tokens', detail: 'the stored token of own, piped cannot be decrypted' }]);
  });
});

test('status --watch refreshes in place every two seconds until Ctrl-C', async () => {
  const ctrlC = new AbortController();
  let screens = 0;
  const { code, stdout } = await run(['status', '--watch'], {
    env,
    isTTY: true,
    signal: ctrlC.signal,
    onStdout(said) {
      screens += said.includes('tenant') ? 1 : 0;
      if (screens === 2) ctrlC.abort();
    },
  });
  expect(code).toBe(130);
  expect(stdout.split('\u001B[H\u001B[2J')).toHaveLength(3);
});

test('a handshake token is shown once, and none with the wrong key', async () => {
  const store = createHandshakeStore({ db: mongo.db, encryptionKey });
  const token = 'secret_shown_on_purpose';
  expect(await mirror(['handshake', 'show'])).toMatchObject({ code: 1, stderr: expect.stringContaining('no handshake has come yet') });
  await store.keepOnce('notion', token);
  const { report } = await doctor();
  expect(report.checks).toContainEqual(
    expect.objectContaining({ area: 'webhooks', id: 'handshake', status: 'warning', remedy: 'mirror handshake show' }),
  );
  expect((await mirror(['handshake', 'status'])).stdout).toContain('notion: waits to be shown');

  const wrongKey = await mirror(['handshake', 'show'], { env: { MIRROR_ENCRYPTION_KEY: Buffer.alloc(32, 8).toString('base64') } });
  expect(wrongKey).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('cannot be decrypted') });
  // When both slots are requested, an unreadable one must not use up the other's only showing.
  const otherKey = Buffer.alloc(32, 8);
  await createHandshakeStore({ db: mongo.db, encryptionKey: otherKey }).keepOnce('nango', 'secret_of_another_key');
  expect(await mirror(['handshake', 'show'])).toMatchObject({ code: 1, stderr: expect.stringContaining('the token of the slot nango') });
  expect((await mirror(['handshake', 'status', 'notion'])).stdout).toContain('waits to be shown');
  await store.reset('nango');

  const before = printed;
  expect(await mirrorProcess(['handshake', 'show'])).toMatchObject({ code: 0, stdout: expect.stringContaining(token) });
  printed = before;
  expect(await mirror(['handshake', 'show'])).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('shown already') });
  expect((await mirror(['handshake', 'status', 'notion', '--json'])).stdout).toContain('"status":"shown"');
  expect((await mirror(['handshake', 'reset'])).stdout).toBe('notion: forgotten\nnango: there was none\n');
  expect(await store.get('notion')).toBeNull();
  expect((await mirror(['handshake', 'show', 'elsewhere'])).code).toBe(2);
});

test('the doctor sends a running ingress webhooks that change nothing', async () => {
  const seen: (string | string[] | undefined)[] = [];
  await using ingress = await startHttpServer(({ method, url, headers }) => {
    seen.push(`${method} ${url}`);
    const signature = headers['x-nango-hmac-sha256'];
    return signature === undefined ? { status: 401, body: { status: 'refused' } } : { status: 200, body: { status: 'handled' } };
  });
  const { code, report } = await doctor(['--url', ingress.url]);
  expect(code).toBe(0);
  expect(report.checks.filter(({ area }) => area === 'ingress').map(({ status }) => status)).toEqual(['ok', 'ok', 'ok']);
  expect(seen).toEqual(Array.from({ length: 3 }, () => 'POST /webhooks/nango'));
  expect((await mirror(['doctor', '--url', 'localhost'])).code).toBe(2);
});

/** Settings that point every server to one port, with credentials where a URL can hold them. */
const allAt = (port: number) => ({
  MIRROR_KAFKA_BROKERS: `127.0.0.1:${port}`,
  MIRROR_SCHEMA_REGISTRY_URL: `http://reader:registry-secret@127.0.0.1:${port}`,
  MIRROR_MONGODB_URI: `mongodb://app:mongo-secret@127.0.0.1:${port}/mirror`,
  MIRROR_NANGO_URL: `http://127.0.0.1:${port}`,
  MIRROR_NOTION_API_URL: `http://127.0.0.1:${port}`,
});

describe('when servers are down', () => {
  test.each([
    ['refuse', deadPort],
    ['hang', silentPort],
  ])('the doctor names all that %s', async (_, port) => {
    const address = await port();
    const { code, problems } = await doctor(['--url', `http://127.0.0.1:${address}`], allAt(address), mirrorProcess);
    expect(code).toBe(1);
    expect(problems.map(({ area, id }) => `${area} ${id}`)).toEqual(
      ['kafka', 'schema registry', 'mongodb', 'nango', 'notion', 'ingress'].map((area) => `${area} reachable`),
    );
    for (const { detail } of problems) expect(detail).toContain(String(address));
  });

  test('one dead port is one problem', async () => {
    const port = await deadPort();
    const { code, problems } = await doctor([], { MIRROR_SCHEMA_REGISTRY_URL: `http://127.0.0.1:${port}` });
    expect(code).toBe(1);
    expect(problems).toMatchObject([
      { area: 'schema registry', id: 'reachable', detail: `http://127.0.0.1:${port} does not answer: no complete answer (ECONNREFUSED)` },
    ]);
  });

  test('init sets up the reachable servers, and reports the others', async () => {
    const port = await deadPort();
    const { code, stdout, stderr } = await mirror(['init', '--wait', '0', '--json'], {
      env: { MIRROR_SCHEMA_REGISTRY_URL: `http://127.0.0.1:${port}` },
    });
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      schemaRegistry: { error: expect.stringContaining(String(port)) },
      mongodb: { made: [] },
    });
    expect(stderr).toContain(`error the schema registry at http://127.0.0.1:${port}`);
  });

  test('other commands name the server, as one JSON object with --json', async () => {
    const port = await deadPort();
    const change = { MIRROR_MONGODB_URI: allAt(port).MIRROR_MONGODB_URI };
    const { code, stdout } = await mirror(['connections', 'list', '--json'], { env: change });
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      error: { code: 'mongodb_unavailable', message: expect.stringContaining(`mongodb://127.0.0.1:${port}/mirror`) },
    });
  });

  test('init reports that it waits for a server, and Ctrl-C ends it', async () => {
    const port = await deadPort();
    const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), 'init', '--wait', '60'], {
      env: { ...inherited, ...env, MIRROR_SCHEMA_REGISTRY_URL: `http://127.0.0.1:${port}` },
    });
    const [printedLine] = (await once(child.stderr, 'data')) as [Buffer];
    expect(printedLine.toString()).toContain(`waiting for the schema registry at http://127.0.0.1:${port}`);
    child.kill('SIGINT');
    expect(await once(child, 'close')).toEqual([130, null]);
  });
});

test('config check, as a process', async () => {
  expect((await mirrorProcess(['config', 'check'])).code).toBe(0);
  expect((await mirrorProcess(['config', 'check'], { env: { MIRROR_KAFKA_SSL: 'yes' } })).code).toBe(78);
});

test('no output contains a secret', () => {
  expect(printed.length).toBeGreaterThan(1_000);
  const values = [
    ...Object.values(secrets).flatMap((value) => value.split(',')),
    storedToken,
    'ntn_at_nango_secret',
    'registry-secret',
    'mongo-secret',
    'secret_shown_on_purpose',
  ];
  for (const secret of values) expect(printed).not.toContain(secret);
  // Nor an encrypted token.
  expect(printed).not.toMatch(/v1\.[\w-]{40}/);
});
