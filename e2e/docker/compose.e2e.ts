// Brings docker-compose.yml up for real, beside whatever else runs on this machine; sees the mirror work, go on after a restart, and stop.
// `node e2e/docker/compose.e2e.ts` needs Docker with compose v2, and prints `N passed, N failed`.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient, type Document } from 'mongodb';
import { freePort } from '@notion-mirror/local-stack/ports';
import { waitUntil } from '@notion-mirror/local-stack/wait-until';
import { createComposeProject, docker, projectNames, removeProject, type ComposeProject } from './compose-project.ts';
import { startCustomer, type EmulatedCustomer } from './emulated-customer.ts';
import { everyExampleSettingExists, everyPortIsOnLoopback, everyServiceGetsWhatItReads } from './file-checks.ts';
import { createReport, StepFailed } from './report.ts';

const root = join(import.meta.dirname, '..', '..');
const prefix = 'notion-mirror-e2e-';
const image = 'notion-mirror-e2e';
const servers = ['kafka', 'schema-registry', 'mongodb'];
const services = ['ingress', 'sync-worker', 'delete-worker'];
const tenant = 'acme';

const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupted.abort(new Error(`stopped by ${name}`)));
const signal = AbortSignal.any([interrupted.signal, AbortSignal.timeout(20 * 60_000)]);

const report = createReport((line) => process.stdout.write(`${line}\n`));
const { check, step, say } = report;
const cleanUps: (() => Promise<void>)[] = [];
try {
  await main();
} catch (error) {
  if (!(error instanceof StepFailed)) await check('nothing unexpected', () => Promise.reject(error));
} finally {
  for (const cleanUp of cleanUps.toReversed()) await cleanUp().catch((error: unknown) => say(`cleaning up: ${String(error)}`));
}
say(report.summary());
process.exitCode = report.failed === 0 ? 0 : 1;

async function main(): Promise<void> {
  await removeLeftovers();
  const directory = await mkdtemp(join(tmpdir(), prefix));
  cleanUps.push(async () => await rm(directory, { recursive: true }));

  const asShipped = projectOf({ envFile: join(root, '.env.example'), env: {} });
  await check('the files as they come publish nothing beyond this machine', async () => await everyPortIsOnLoopback(asShipped));
  await check('every setting of .env.example exists', async () => await everyExampleSettingExists(root));
  await check('every service gets the variables it reads, and no others', async () => await everyServiceGetsWhatItReads(asShipped));

  const ports = await choosePorts();
  const keys = { MIRROR_NANGO_SIGNING_KEYS: secret(), MIRROR_NANGO_API_KEY: secret(), MIRROR_ENCRYPTION_KEY: secret() };
  const customer = await startCustomer({
    signingKey: keys.MIRROR_NANGO_SIGNING_KEYS,
    apiKey: keys.MIRROR_NANGO_API_KEY,
    webhookUrl: `http://${ports.INGRESS_PUBLISH}/webhooks/nango`,
  });
  cleanUps.push(customer.stop);

  // As a user does it: a copy of .env.example, filled in.
  const envFile = join(directory, '.env');
  const settings = { ...ports, ...keys, MIRROR_NANGO_URL: customer.nangoUrl, MIRROR_NOTION_API_URL: customer.notionApiUrl };
  await writeFile(envFile, filledIn(await readFile(join(root, '.env.example'), 'utf8'), settings), { mode: 0o600 });
  const project = projectOf({ envFile, env: { NOTION_MIRROR_IMAGE: image } });
  await checkStack(project, { customer, ports });
}

async function checkStack(project: ComposeProject, { customer, ports }: { customer: EmulatedCustomer; ports: Ports }): Promise<void> {
  cleanUps.push(async () => await removeProject(project.name));
  await step('the image is built', async () => {
    await project.compose(['build', 'init'], { timeoutMs: 10 * 60_000 });
    return await sizeOf(image);
  });
  await check('the image holds no tests and no development tools', async () => {
    const files = await docker(['run', '--rm', image, 'find', '/app', '-name', '*.test.ts', '-not', '-path', '*/node_modules/*']);
    const packages = await docker(['run', '--rm', image, 'ls', '/app/node_modules/.pnpm']);
    assert.equal(files, '');
    assert.deepEqual(packages.match(/^(vitest|testcontainers|typescript|oxlint|knip|node)@.*$/gm), null);
  });

  const all = [...servers, ...services, ...((await isKafkaUiAvailable(project)) ? ['kafka-ui'] : [])];
  const up = async () =>
    await project.compose(['up', '--detach', '--no-build', '--wait', '--wait-timeout', '180', ...all], { timeoutMs: 240_000 });
  const mongo = new MongoClient(`mongodb://127.0.0.1:${ports.MONGODB_PORT}/?directConnection=true`, { serverSelectionTimeoutMS: 5000 });
  cleanUps.push(async () => await mongo.close());
  const databases = () => mongo.db('notion_mirror').collection('databases');
  const documentBecomes = async (what: string, databaseId: string, isIt: (document: Document | null) => boolean) =>
    await waitUntil(what, async () => isIt(await databases().findOne({ databaseId })), { timeoutMs: 60_000, signal });
  const titled = (title: string) => (document: Document | null) => document?.['title'] === title;

  try {
    await step('everything comes up and is healthy', async () => void (await up()));
    await check('init has done its work and ended', async () =>
      assert.equal(await project.inspect('init', '{{.State.Status}} {{.State.ExitCode}}'), 'exited 0'),
    );
    await check('the services run without privileges on a read-only file system', async () => await everyServiceIsConfined(project));
    await check('an unsigned webhook is refused, and the public port shows nothing else', async () => {
      const base = `http://${ports.INGRESS_PUBLISH}`;
      const unsigned = await fetch(`${base}/webhooks/nango`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{}',
      });
      const metrics = await fetch(`${base}/metrics`);
      assert.deepEqual([unsigned.status, metrics.status], [401, 404]);
    });
    await check('every service reports its metrics on its operations port', async () => {
      for (const port of [ports.INGRESS_OPS_PORT, ports.SYNC_WORKER_OPS_PORT, ports.DELETE_WORKER_OPS_PORT]) {
        const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
        assert.match(metrics, /^notion_mirror_/m);
      }
    });
    await step('a connection is added with `mirror connections add`', async () => {
      await project.compose([
        'run',
        '--rm',
        '--no-deps',
        '-T',
        'mirror',
        'connections',
        'add',
        customer.connectionId,
        '--workspace-id',
        tenant,
      ]);
    });
    await check(
      '`mirror doctor` finds nothing wrong',
      async () => void (await project.compose(['run', '--rm', '--no-deps', '-T', 'mirror', 'doctor'])),
    );

    const kept = customer.createDatabase('Projects');
    const doomed = customer.createDatabase('Drafts');
    await step('new databases appear in MongoDB', async () => {
      await customer.webhooksDelivered();
      await documentBecomes('the document of Projects', kept, titled('Projects'));
      await documentBecomes('the document of Drafts', doomed, titled('Drafts'));
      assert.equal((await databases().findOne({ databaseId: kept }))?.['workspaceId'], tenant);
    });
    await step('a rename arrives', async () => {
      await customer.renameDatabase(kept, 'Roadmap');
      await customer.webhooksDelivered();
      await documentBecomes('the new title', kept, titled('Roadmap'));
    });
    await step('a database in the trash vanishes', async () => {
      await customer.trashDatabase(doomed);
      await customer.webhooksDelivered();
      await documentBecomes('the end of Drafts', doomed, (document) => document === null);
    });
    await check('Kafka UI shows the cluster', async () => await kafkaUiShowsTheCluster(all, ports));

    await step('an event that nobody has worked on survives a restart of everything', async () => {
      await project.compose(['stop', 'sync-worker']);
      await customer.renameDatabase(kept, 'Roadmap 2');
      await customer.webhooksDelivered();
      assert.equal((await databases().findOne({ databaseId: kept }))?.['title'], 'Roadmap');
      await project.compose(['down', '--timeout', '30'], { timeoutMs: 120_000 });
      await up();
      await documentBecomes('the title from before the restart', kept, titled('Roadmap 2'));
    });
    await step('the mirror goes on after the restart', async () => {
      const added = customer.createDatabase('After the restart');
      await customer.webhooksDelivered();
      await documentBecomes('the new document', added, titled('After the restart'));
      assert.equal(await databases().countDocuments({ databaseId: doomed }), 0);
    });
    await check('the services end with exit code 0 within 10 s of SIGTERM', async () => {
      const started = performance.now();
      await project.compose(['stop', ...services]);
      const seconds = (performance.now() - started) / 1000;
      for (const service of services)
        assert.equal(await project.inspect(service, '{{.State.Status}} {{.State.ExitCode}}'), 'exited 0', service);
      assert.ok(seconds < 10, `it took ${seconds.toFixed(1)} s`);
    });
  } catch (error) {
    say(await project.compose(['logs', '--no-color', '--tail', '30', ...services, 'init']).catch(String));
    throw error;
  }
}

async function everyServiceIsConfined(project: ComposeProject): Promise<void> {
  for (const service of services) {
    const settings =
      '{{.Config.User}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.Privileged}} {{.HostConfig.CapDrop}} {{.HostConfig.SecurityOpt}}';
    assert.equal(await project.inspect(service, settings), '1000:1000 true false [ALL] [no-new-privileges:true]', service);
    const tried = await project.compose([
      'exec',
      '-T',
      service,
      'sh',
      '-c',
      'id -u; grep CapEff /proc/self/status; for f in /app /tmp /; do touch $f/x 2>/dev/null && echo wrote $f; done; true',
    ]);
    assert.deepEqual(tried.trim().split(/\s+/), ['1000', 'CapEff:', '0000000000000000'], service);
  }
}

type Ports = Readonly<
  Record<
    | 'INGRESS_PUBLISH'
    | 'KAFKA_PORT'
    | 'SCHEMA_REGISTRY_PORT'
    | 'MONGODB_PORT'
    | 'KAFKA_UI_PORT'
    | 'INGRESS_OPS_PORT'
    | 'SYNC_WORKER_OPS_PORT'
    | 'DELETE_WORKER_OPS_PORT',
    string
  >
>;

async function choosePorts(): Promise<Ports> {
  const free = async () => String(await freePort());
  return {
    INGRESS_PUBLISH: `127.0.0.1:${await free()}`,
    KAFKA_PORT: await free(),
    SCHEMA_REGISTRY_PORT: await free(),
    MONGODB_PORT: await free(),
    KAFKA_UI_PORT: await free(),
    INGRESS_OPS_PORT: await free(),
    SYNC_WORKER_OPS_PORT: await free(),
    DELETE_WORKER_OPS_PORT: await free(),
  };
}

function projectOf({ envFile, env }: { envFile: string; env: Readonly<Record<string, string>> }): ComposeProject {
  const files = [join(root, 'docker-compose.yml'), join(import.meta.dirname, 'host-emulators.yml')];
  return createComposeProject({ name: `${prefix}${process.pid}`, directory: root, files, envFile, env, signal });
}

/** Whatever an earlier run could not take down: its process is gone, its name says which. */
async function removeLeftovers(): Promise<void> {
  for (const name of await projectNames()) {
    if (!name.startsWith(prefix) || isAlive(Number(name.slice(prefix.length)))) continue;
    say(`removing ${name}, left behind by an earlier run`);
    await removeProject(name);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function filledIn(example: string, settings: Readonly<Record<string, string>>): string {
  return example.replaceAll(/^([A-Z_]+)=.*$/gm, (line, name: string) => (name in settings ? `${name}=${settings[name]}` : line));
}

function secret(): string {
  return randomBytes(32).toString('base64');
}

async function sizeOf(name: string): Promise<string> {
  const bytes = async (of: string) => Number(await docker(['image', 'inspect', '--format', '{{.Size}}', of]));
  const megabytes = (count: number) => `${Math.round(count / 1e6)} MB`;
  const own = await bytes(name);
  return `${megabytes(own)}, ${megabytes(own - (await bytes('node:24-slim')))} of it over its base`;
}

async function isKafkaUiAvailable(project: ComposeProject): Promise<boolean> {
  const [name = ''] = (await project.compose(['config', '--images', 'kafka-ui']))
    .trim()
    .split('\n')
    .filter((line) => line.includes('kafka-ui'));
  try {
    await docker(['image', 'inspect', name]);
    return true;
  } catch {
    try {
      await project.compose(['pull', 'kafka-ui'], { timeoutMs: 5 * 60_000 });
      return true;
    } catch {
      say(`- Kafka UI is left out: ${name} is not on this machine and cannot be pulled`);
      return false;
    }
  }
}

async function kafkaUiShowsTheCluster(started: readonly string[], ports: Ports): Promise<string | void> {
  if (!started.includes('kafka-ui')) return 'left out';
  const isOnline = async () => {
    const clusters = (await (await fetch(`http://127.0.0.1:${ports.KAFKA_UI_PORT}/api/clusters`)).json()) as readonly {
      name: string;
      status: string;
    }[];
    return clusters.some(({ name, status }) => name === 'notion-mirror' && status.toLowerCase() === 'online');
  };
  await waitUntil('Kafka UI', isOnline, { timeoutMs: 120_000, signal });
}
