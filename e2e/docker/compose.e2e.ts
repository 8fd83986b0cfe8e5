// Brings docker-compose.yml up for real, next to anything else on this machine, and checks that the mirror works, survives a restart, and stops.
// `node e2e/docker/compose.e2e.ts` needs Docker with compose v2, and prints `N passed, N failed`.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { MongoClient, type Document } from 'mongodb';
import { freePort } from '@notion-mirror/local-stack/ports';
import { waitUntil } from '@notion-mirror/local-stack/wait-until';
import { createComposeProject, docker, projectNames, removeProject, type ComposeProject } from './compose-project.ts';
import { startCustomer, type EmulatedCustomer } from './emulated-customer.ts';
import { createReport, StepFailed } from './report.ts';

interface Ports {
  readonly INGRESS_PUBLISH: string;
  readonly KAFKA_PORT: string;
  readonly SCHEMA_REGISTRY_PORT: string;
  readonly MONGODB_PORT: string;
  readonly KAFKA_UI_PORT: string;
  readonly INGRESS_OPS_PORT: string;
  readonly SYNC_WORKER_OPS_PORT: string;
  readonly DELETE_WORKER_OPS_PORT: string;
  readonly DEMO_NOTION_PORT: string;
  readonly DEMO_CONSOLE_PORT: string;
}

const root = join(import.meta.dirname, '..', '..');
const namePrefix = 'notion-mirror-e2e-';
const image = 'notion-mirror-e2e';
const servers = ['kafka', 'schema-registry', 'mongodb'];
const services = ['ingress', 'sync-worker', 'delete-worker'];
const demoServices = [...services, 'console'].map((service) => `demo-${service}`);
const tenant = 'acme';

const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupted.abort(new Error(`stopped by ${name}`)));
const signal = AbortSignal.any([interrupted.signal, AbortSignal.timeout(20 * 60_000)]);

const report = createReport((line) => process.stdout.write(`${line}\n`));
const { check, step, say } = report;
const cleanUps: (() => Promise<void>)[] = [];
try {
  await checkEverything();
} catch (error) {
  if (!(error instanceof StepFailed)) await check('nothing unexpected', () => Promise.reject(error));
} finally {
  for (const cleanUp of cleanUps.toReversed()) await cleanUp().catch((error: unknown) => say(`cleaning up: ${String(error)}`));
}
say(report.summary());
process.exitCode = report.failures() === 0 ? 0 : 1;

async function checkEverything(): Promise<void> {
  await removeLeftovers();

  const ports = await choosePorts();
  const keys = {
    MIRROR_CONNECTION_TENANT: 'off',
    MIRROR_NANGO_SIGNING_KEYS: secret(),
    MIRROR_NANGO_API_KEY: secret(),
    MIRROR_ENCRYPTION_KEY: secret(),
  };
  const customer = await startCustomer({
    signingKey: keys.MIRROR_NANGO_SIGNING_KEYS,
    apiKey: keys.MIRROR_NANGO_API_KEY,
    webhookUrl: `http://${ports.INGRESS_PUBLISH}/webhooks/nango`,
  });
  cleanUps.push(() => customer.stop());

  // As a user would: a copy of .env.example, filled in.
  const directory = await mkdtemp(join(tmpdir(), namePrefix));
  cleanUps.push(() => rm(directory, { recursive: true }));
  const envFile = join(directory, '.env');
  const settings = { ...ports, ...keys, MIRROR_NANGO_URL: customer.nangoUrl, MIRROR_NOTION_API_URL: customer.notionApiUrl };
  await writeFile(envFile, filledIn(await readFile(join(root, '.env.example'), 'utf8'), settings), { mode: 0o600 });

  const project = projectOf(envFile);
  cleanUps.push(() => removeProject(project.name));
  await checkImage(project);
  try {
    await checkMirror(project, customer, ports);
  } catch (error) {
    say(await project.compose(['logs', '--no-color', '--tail', '30', 'init', ...services]).catch(String));
    throw error;
  }
}

async function checkImage(project: ComposeProject): Promise<void> {
  await step('the images are built', async () => {
    await project.compose(['build', 'init', 'demo-emulators'], { timeoutMs: 10 * 60_000 });
    const size = await sizeOf(image);
    return `${Math.round(size / 1e6)} MB, ${Math.round((size - (await sizeOf('node:24-slim'))) / 1e6)} MB of it over node:24-slim`;
  });
  await check('the image contains no tests and no development tools', async () => {
    const tests = await docker(['run', '--rm', image, 'find', '/app', '-name', '*.test.ts', '-not', '-path', '*/node_modules/*']);
    const packages = await docker(['run', '--rm', image, 'ls', '/app/node_modules/.pnpm']);
    assert.equal(tests, '');
    assert.deepEqual(
      packages.match(/^(vitest|testcontainers|typescript|oxlint|knip|node|vite|rolldown|react|react-dom|playwright-core)@.*$/gm),
      null,
    );
  });
}

/** One customer's life, through a restart, until the services stop. */
async function checkMirror(project: ComposeProject, customer: EmulatedCustomer, ports: Ports): Promise<void> {
  const withKafkaUi = await isKafkaUiAvailable(project);
  const start = (...names: string[]) =>
    project.compose(['up', '--detach', '--no-build', '--wait', '--wait-timeout', '180', ...names], { timeoutMs: 240_000 });
  const up = () => start(...servers, ...services, ...(withKafkaUi ? ['kafka-ui'] : []));
  const mirror = (...args: string[]) => project.compose(['run', '--rm', '--no-deps', '-T', 'mirror', ...args]);
  const mongo = new MongoClient(`mongodb://127.0.0.1:${ports.MONGODB_PORT}/?directConnection=true`, { serverSelectionTimeoutMS: 5_000 });
  cleanUps.push(() => mongo.close());
  const documentOf = (databaseId: string) => mongo.db('notion_mirror').collection('databases').findOne({ databaseId });
  const becomes = async (databaseId: string, isIt: (document: Document | null) => boolean) => {
    await customer.webhooksDelivered();
    await waitUntil(`the document of ${databaseId}`, async () => isIt(await documentOf(databaseId)), { timeoutMs: 60_000, signal });
  };

  await step('everything starts and is healthy', async () => void (await up()));
  await check('init has succeeded', async () => assert.equal(await stateOf(project, 'init'), 'exited 0'));
  await check('the services and the command have no privileges and a read-only file system', () => everyServiceIsConfined(project));
  await check('an unsigned webhook is refused, and the public port serves nothing else', () => publicPortIsClosed(ports));
  await check('every service serves its metrics on its operations port', () => everyServiceHasMetrics(ports));
  await step('`mirror connections add` adds the customer', async () => {
    await mirror('connections', 'add', customer.connectionId, '--workspace-id', tenant);
    await customer.subscribe();
  });
  await check('`mirror doctor` finds nothing wrong', async () => void (await mirror('doctor')));

  const kept = customer.createDatabase('Projects');
  const doomed = customer.createDatabase('Drafts');
  await step('new databases appear in MongoDB', async () => {
    await becomes(kept, titled('Projects'));
    await becomes(doomed, titled('Drafts'));
    assert.equal((await documentOf(kept))?.['workspaceId'], tenant);
  });
  await step('a rename is mirrored', async () => {
    await customer.renameDatabase(kept, 'Roadmap');
    await becomes(kept, titled('Roadmap'));
  });
  await step('a trashed database is removed', async () => {
    await customer.trashDatabase(doomed);
    await becomes(doomed, (document) => document === null);
  });
  if (withKafkaUi) await check('Kafka UI shows the cluster', () => kafkaUiShowsTheCluster(ports));

  await step('an event waiting on the log is handled after everything restarts', async () => {
    await project.compose(['stop', 'sync-worker']);
    await customer.renameDatabase(kept, 'Roadmap 2');
    await customer.webhooksDelivered();
    assert.equal((await documentOf(kept))?.['title'], 'Roadmap');
    await project.compose(['down', '--timeout', '30'], { timeoutMs: 120_000 });
    await up();
    await becomes(kept, titled('Roadmap 2'));
    assert.equal(await documentOf(doomed), null);
  });
  await step('the mirror works after the restart', async () => {
    await becomes(customer.createDatabase('Later'), titled('Later'));
  });
  // A service that takes longer than MIRROR_SHUTDOWN_SECONDS exits with 1, one that hangs is killed (137).
  await check('the services exit with code 0 after SIGTERM', async () => {
    await project.compose(['stop', ...services]);
    for (const service of services) assert.equal(await stateOf(project, service), 'exited 0', service);
  });

  await check('the profile `demo` mirrors the databases of its three customers', async () => {
    await start(...demoServices);
    const demo = mongo.db('notion_mirror_demo').collection('databases');
    const tenants = ['acme', 'globex', 'initech'];
    const haveAll = async () => isDeepStrictEqual(new Set(await demo.distinct('workspaceId')), new Set(tenants));
    await waitUntil('their databases', haveAll, { timeoutMs: 90_000, signal });
  });
  await check('its console serves the page, and answers only who has the token', () => consoleAnswers(ports));
}

function titled(title: string): (document: Document | null) => boolean {
  return (document) => document?.['title'] === title;
}

async function everyServiceIsConfined(project: ComposeProject): Promise<void> {
  const settings =
    '{{.Config.User}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.Privileged}} {{.HostConfig.CapDrop}} {{.HostConfig.SecurityOpt}}';
  const attempt = 'id -u; grep CapEff /proc/self/status; for d in / /app /tmp; do touch $d/x 2>/dev/null && echo $d; done; true';
  for (const service of [...services, 'init']) {
    assert.equal(await project.inspect(service, settings), '1000:1000 true false [ALL] [no-new-privileges:true]', service);
  }
  const shells = [
    ...services.map((service) => ['exec', '-T', service, 'sh', '-c', attempt]),
    ['run', '--rm', '--no-deps', '-T', '--entrypoint', 'sh', 'mirror', '-c', attempt],
  ];
  for (const shell of shells) {
    const seen = await project.compose(shell);
    assert.deepEqual(seen.trim().split(/\s+/), ['1000', 'CapEff:', '0000000000000000'], shell.join(' '));
  }
}

async function publicPortIsClosed({ INGRESS_PUBLISH: address }: Ports): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const webhook = await fetch(`http://${address}/webhooks/nango`, { method: 'POST', headers, body: '{}' });
  const others = await Promise.all(['/', '/metrics', '/readyz', '/livez'].map((path) => fetch(`http://${address}${path}`)));
  assert.deepEqual([webhook.status, ...others.map(({ status }) => status)], [401, 404, 404, 404, 404]);
}

async function everyServiceHasMetrics(ports: Ports): Promise<void> {
  for (const port of [ports.INGRESS_OPS_PORT, ports.SYNC_WORKER_OPS_PORT, ports.DELETE_WORKER_OPS_PORT]) {
    const metrics = await fetch(`http://127.0.0.1:${port}/metrics`);
    assert.match(await metrics.text(), /^notion_mirror_/m);
  }
}

async function consoleAnswers({ DEMO_CONSOLE_PORT: port }: Ports): Promise<void> {
  const url = `http://localhost:${port}`;
  const page = await fetch(url);
  assert.match(await page.text(), /<script type="module"/);
  const stranger = await fetch(`${url}/api/status`);
  const operator = await fetch(`${url}/api/status`, { headers: { authorization: 'Bearer demo-console-token' } });
  assert.deepEqual([page.status, stranger.status, operator.status], [200, 401, 200]);
  const { tenants } = (await operator.json()) as { readonly tenants: { readonly active: number } };
  assert.equal(tenants.active, 3);
}

async function kafkaUiShowsTheCluster({ KAFKA_UI_PORT: port }: Ports): Promise<void> {
  const isOnline = async () => {
    const response = await fetch(`http://127.0.0.1:${port}/api/clusters`);
    const clusters = (await response.json()) as readonly { readonly name: string; readonly status: string }[];
    return clusters.some(({ name, status }) => name === 'notion-mirror' && status.toLowerCase() === 'online');
  };
  await waitUntil('Kafka UI', isOnline, { timeoutMs: 120_000, signal });
}

async function isKafkaUiAvailable(project: ComposeProject): Promise<boolean> {
  const images = (await project.compose(['config', '--images'])).split('\n');
  const name = images.find((each) => each.includes('/kafka-ui:')) ?? '';
  try {
    await docker(['image', 'inspect', name]).catch(() => project.compose(['pull', 'kafka-ui'], { timeoutMs: 5 * 60_000 }));
    return true;
  } catch {
    say(`- Kafka UI is skipped: ${name} is not on this machine and cannot be pulled`);
    return false;
  }
}

function stateOf(project: ComposeProject, service: string): Promise<string> {
  return project.inspect(service, '{{.State.Status}} {{.State.ExitCode}}');
}

async function sizeOf(name: string): Promise<number> {
  return Number(await docker(['image', 'inspect', '--format', '{{.Size}}', name]));
}

function projectOf(envFile: string): ComposeProject {
  const files = [join(root, 'docker-compose.yml'), join(import.meta.dirname, 'host-emulators.yml')];
  return createComposeProject({
    name: `${namePrefix}${process.pid}`,
    directory: root,
    files,
    envFile,
    env: { NOTION_MIRROR_IMAGE: image },
    signal,
  });
}

/** Removes projects left by runs whose process, named in the project's name, no longer exists. */
async function removeLeftovers(): Promise<void> {
  for (const name of await projectNames()) {
    if (!name.startsWith(namePrefix) || isAlive(Number(name.slice(namePrefix.length)))) continue;
    say(`- removing ${name}, left behind by an earlier run`);
    await removeProject(name);
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function choosePorts(): Promise<Ports> {
  return {
    INGRESS_PUBLISH: `127.0.0.1:${await freePort()}`,
    KAFKA_PORT: String(await freePort()),
    SCHEMA_REGISTRY_PORT: String(await freePort()),
    MONGODB_PORT: String(await freePort()),
    KAFKA_UI_PORT: String(await freePort()),
    INGRESS_OPS_PORT: String(await freePort()),
    SYNC_WORKER_OPS_PORT: String(await freePort()),
    DELETE_WORKER_OPS_PORT: String(await freePort()),
    DEMO_NOTION_PORT: String(await freePort()),
    DEMO_CONSOLE_PORT: String(await freePort()),
  };
}

/** The example with the settings filled in, and settings it lacks appended. */
function filledIn(example: string, settings: Readonly<Record<string, string>>): string {
  const missing = new Map(Object.entries(settings));
  const filled = example.replaceAll(/^([A-Z_]+)=.*$/gm, (line, name: string) => {
    missing.delete(name);
    return name in settings ? `${name}=${settings[name]}` : line;
  });
  return [filled, ...[...missing].map(([name, value]) => `${name}=${value}`), ''].join('\n');
}

function secret(): string {
  return randomBytes(32).toString('base64');
}
