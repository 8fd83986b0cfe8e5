// Installs the chart with the real image on a real cluster and upgrades, scales and drains it while customers work; the mirror must equal Notion then,
// without a refused webhook. `npm run test:kubernetes` needs kubectl with a cluster, helm and Docker, and prints `N passed, N failed`.
// Kafka, the registry, MongoDB and the emulators run on this machine. MIRROR_TEST_IMAGE: an image that the cluster has; then Docker is not needed.
// MIRROR_TEST_LOAD_IMAGE: the command that brings a built image into the cluster, known for kind and minikube.
// MIRROR_TEST_OLD_CHART and MIRROR_TEST_OLD_IMAGE: an older version, which is installed first; the upgrade and the rollback are then between the two.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { setTimeout as delay } from 'node:timers/promises';
import type { Customer } from '@notion-mirror/demo/customers';
import { startSystem, type System } from '@notion-mirror/demo/system';
import type { WebhookAttempt } from '@notion-mirror/emulators/nango/forwarding';
import { createSeededLife } from '@notion-mirror/emulators/seeded-life';
import { runCommand } from '@notion-mirror/local-stack/command';
import { startStack } from '@notion-mirror/local-stack/stack';
import { waitUntil } from '@notion-mirror/local-stack/wait-until';
import { z } from 'zod';
import { createReport, StepFailed } from '../docker/report.ts';
import { createEqualityCheck } from '../row-scans.ts';
import { createRelease, type Release } from './release.ts';
import { startServiceProxy } from './service-proxy.ts';
import { findTarget, type OldVersion, type Target } from './target.ts';

const root = join(import.meta.dirname, '..', '..');
const schemaOfValues = z.object({ properties: z.object({ config: z.object({ properties: z.record(z.string(), z.unknown()) }) }) });
const builtImage = 'notion-mirror:kubernetes-test';
const secretNames = ['MIRROR_MONGODB_URI', 'MIRROR_NANGO_SIGNING_KEYS', 'MIRROR_NANGO_API_KEY', 'MIRROR_ENCRYPTION_KEY'];
/** The chart sets where processes listen. */
const chartsOwn = ['MIRROR_HTTP_HOST', 'MIRROR_HTTP_PORT'];
const statusSchema = z.object({
  deadLetters: z.number(),
  spooled: z.number(),
  parked: z.number(),
  groups: z.array(z.object({ lag: z.number() })),
});
const tenants = 3;
/** Between two actions of customers. */
const paceMs = 300;

const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupted.abort(new Error(`stopped by ${name}`)));
const signal = AbortSignal.any([interrupted.signal, AbortSignal.timeout(25 * 60_000)]);

const report = createReport((line) => process.stdout.write(`${line}\n`));
const { check, step, say } = report;
const cleanUps: (() => Promise<unknown>)[] = [];
const target = await findTarget(process.env);
if ('missing' in target) {
  say(`Skipped: there is no cluster to test on. ${target.missing}`);
} else {
  try {
    await checkEverything(target);
  } catch (error) {
    if (!(error instanceof StepFailed)) await check('nothing unexpected', () => Promise.reject(error));
  } finally {
    for (const cleanUp of cleanUps.toReversed()) await cleanUp().catch((error: unknown) => say(`cleaning up: ${String(error)}`));
  }
  say(report.summary());
}
process.exitCode = report.failures() === 0 ? 0 : 1;

async function checkEverything(on: Target): Promise<void> {
  say(
    `Kubernetes ${on.version}, context ${on.context}, ${on.nodes === 1 ? 'one node' : `${on.nodes} nodes`}; pods reach this machine as ${on.host}`,
  );
  const wanted = on.image ?? builtImage;
  if (on.image === null) {
    await step('the image is built and brought into the cluster', async () => {
      await runCommand('docker', ['compose', 'build', 'init'], { cwd: root, env: { NOTION_MIRROR_IMAGE: builtImage }, signal });
      if (on.load === null) throw new Error('set MIRROR_TEST_LOAD_IMAGE to a command that brings an image of Docker into the cluster');
      await runCommand('sh', ['-c', `${on.load} "$1"`, 'sh', builtImage], { signal });
    });
  }

  const stack = await startStack({ provider: 'process', host: on.host, signal });
  cleanUps.push(() => stack.stop());
  const system = await startSystem(stack, {
    name: `kubernetes_${process.pid}`,
    emulators: {
      notion: { host: on.host, delivery: { delayMs: [0, 300], duplicateProbability: 0.1, reorderProbability: 0.2, reorderMs: 1_000 } },
      nango: { host: on.host, delivery: { breaker: null } },
    },
  });
  cleanUps.push(() => system.stop());

  const folder = await mkdtemp(join(tmpdir(), 'notion-mirror-kubernetes-'));
  cleanUps.push(() => rm(folder, { recursive: true }));
  const values = join(folder, 'values.json');
  await writeFile(values, JSON.stringify(valuesFor(system, wanted, null)));
  if (on.old !== null) await writeFile(`${values}.old`, JSON.stringify(valuesFor(system, on.old.image, await settingsOf(on.old.chart))));
  else {
    say(
      'Skipped: the upgrade from an older version. Set MIRROR_TEST_OLD_CHART and MIRROR_TEST_OLD_IMAGE to a released chart and its image.',
    );
  }
  const secrets = Object.fromEntries(Object.entries(system.env).filter(([name]) => secretNames.includes(name)));
  const tokens = `check operator sha256:${createHash('sha256').update(randomBytes(32)).digest('hex')}`;
  const release = await createRelease(`notion-mirror-test-${process.pid}`, { ...secrets, MIRROR_CONSOLE_TOKENS: tokens }, signal);
  cleanUps.push(() => release.remove());
  try {
    await checkRelease(release, values, system, on);
  } catch (error) {
    say(await release.kubectl('get', 'pods,jobs,events').catch(String));
    for (const component of ['init', 'ingress', 'sync-worker']) {
      const logs = ['logs', '-l', `app.kubernetes.io/component=${component}`, '--tail=15', '--all-containers'];
      say(await release.kubectl(...logs).catch(String));
    }
    throw error;
  }
}

/** The name of a registry may have a port. */
function partsOf(image: string): { readonly repository: string; readonly tag: string } {
  const colon = image.lastIndexOf(':');
  assert.ok(colon > image.lastIndexOf('/'), `${image} names no tag`);
  return { repository: image.slice(0, colon), tag: image.slice(colon + 1) };
}

function install(release: Release, values: string, old: OldVersion | null): Promise<void> {
  return old === null ? release.upgrade(values) : release.upgrade(`${values}.old`, {}, old.chart);
}

/** The variables that a chart knows: it refuses others. `chart`: a folder, or a package of one. */
async function settingsOf(chart: string): Promise<readonly string[]> {
  const text = (await stat(chart)).isDirectory()
    ? await readFile(join(chart, 'values.schema.json'), 'utf8')
    : await runCommand('tar', ['-xzOf', chart, 'notion-mirror/values.schema.json']);
  return Object.keys(schemaOfValues.parse(JSON.parse(text)).properties.config.properties);
}

/** `known`: the variables that the chart knows; null: all of them. */
function valuesFor({ env }: System, wanted: string, known: readonly string[] | null): object {
  const config = Object.entries(env).filter(
    ([name]) => !secretNames.includes(name) && !chartsOwn.includes(name) && (known === null || known.includes(name)),
  );
  return {
    image: partsOf(wanted),
    config: { ...Object.fromEntries(config), MIRROR_CONSOLE_ACCESS: 'tokens' },
    secrets: { MIRROR_CONSOLE_TOKENS: {} },
    console: { enabled: true },
    cli: { enabled: true },
  };
}

async function checkRelease(release: Release, values: string, system: System, on: Target): Promise<void> {
  const from = on.old === null ? '' : ` (the older one, ${on.old.chart})`;
  await step(`the chart installs${from}, in a namespace that enforces the restricted Pod Security Standard`, () =>
    install(release, values, on.old),
  );
  const address = await release.webhookAddress();
  const proxy = await startServiceProxy(Number(system.env['MIRROR_HTTP_PORT']), () => address);
  cleanUps.push(async () => proxy.close());

  const customers: Customer[] = [];
  await step('customers are connected, and `mirror doctor` in the pod of the CLI finds nothing wrong', async () => {
    for (let n = 1; n <= tenants; n += 1) customers.push(await system.connect(`tenant-${n}`, `Tenant ${n}`));
    const [cli] = await release.pods('cli');
    await release.kubectl('exec', String(cli?.name), '--', 'mirror', 'doctor');
  });

  const life = workingCustomers(system, customers);
  cleanUps.push(() => life.stop());
  await step('what customers do is mirrored', async () => {
    await waitUntil('a database of each customer', () => haveDatabases(system, customers), { timeoutMs: 60_000, signal });
  });
  const to = on.old === null ? '' : ' from the older version';
  await check(`a rolling upgrade${to} replaces every pod while they work`, async () => {
    const before = await release.pods();
    await release.upgrade(values, { 'defaults.podAnnotations.upgraded': 'once' });
    const after = new Set((await release.pods()).map(({ name }) => name));
    assert.deepEqual(
      before.map(({ name }) => name).filter((name) => after.has(name)),
      [],
    );
  });
  await check('the workers scale up, and down', async () => {
    const changes = { 'defaults.podAnnotations.upgraded': 'once' };
    await release.upgrade(values, { ...changes, 'syncWorker.replicas': '4' });
    assert.equal((await release.pods('sync-worker')).length, 4);
    await release.upgrade(values, { ...changes, 'syncWorker.replicas': '1' });
    assert.equal((await release.pods('sync-worker')).length, 1);
    await release.upgrade(values, changes);
  });
  await check('a drained node leaves an ingress and a worker of each kind running', () => drain(release, on));
  await check(`a rollback${on.old === null ? '' : ' to the older version'} replaces every pod again`, () => release.rollback(1));
  await step('the mirror equals Notion, databases and rows, field by field', async () => {
    const actions = await life.stop();
    await equals(system);
    return `${system.notionDatabases()} databases and ${system.notionRows()} rows after ${actions} actions`;
  });
  await check('no webhook was refused', async () => {
    // The handshake of the integration comes before there is an ingress.
    const deliveries = system.nango.deliveries().filter(({ connectionId }) => connectionId !== null);
    const refused = deliveries.filter(({ state, attempts }) => state !== 'delivered' || attempts.some(isRefusal));
    assert.deepEqual(refused.slice(0, 3), []);
    const resets = deliveries.filter(({ attempts }) => attempts.length > 1).length;
    return `${deliveries.length} webhooks; ${resets} sent again because a stopping pod closed their connection at that moment`;
  });
  await check('no event is left anywhere', async () => {
    const nothing = { deadLetters: 0, spooled: 0, parked: 0, groups: [{ lag: 0 }, { lag: 0 }] };
    const isEmpty = async () => isDeepStrictEqual(statusSchema.parse(JSON.parse(await system.mirror('status', '--json'))), nothing);
    await waitUntil('an empty log, without dead letters, spooled or parked events', isEmpty, { timeoutMs: 60_000, signal });
  });
  await check('no container was restarted', async () => {
    assert.deepEqual(
      (await release.pods()).filter(({ restarts }) => restarts > 0),
      [],
    );
  });
}

async function haveDatabases({ db }: System, customers: readonly Customer[]): Promise<boolean> {
  return (await db.collection('databases').distinct('workspaceId')).length === customers.length;
}

interface WorkingCustomers {
  /** Resolves to the number of actions so far, when the last has ended. */
  stop(): Promise<number>;
}

/** Customers that act until they are stopped. */
function workingCustomers(system: System, customers: readonly Customer[]): WorkingCustomers {
  const seed = 'kubernetes';
  const life = createSeededLife({
    pair: system.pair,
    workspaces: customers.map(({ inNotion }) => inNotion),
    seed,
    rows: { share: 0.5, most: 12 },
  });
  const stopped = new AbortController();
  let actions = 0;
  const working = (async () => {
    while (!stopped.signal.aborted) {
      await life.step();
      actions += 1;
      await delay(paceMs, undefined, { signal: stopped.signal }).catch(() => {});
    }
  })();
  // Awaited by `stop`; it may reject earlier, unhandled.
  working.catch(() => {});
  return {
    async stop() {
      stopped.abort();
      await working;
      return actions;
    },
  };
}

/** When customers have stopped. */
async function equals(system: System): Promise<void> {
  await system.notion.settle();
  await system.nango.settle();
  await waitUntil('a mirror that equals Notion', createEqualityCheck(system), { timeoutMs: 180_000, signal });
}

/** On the only node of a cluster the disruption budgets hold back the last pods, and evicted ones wait for the node. */
async function drain(release: Release, { nodes }: Target): Promise<string> {
  const [ingress] = await release.pods('ingress');
  const node = (await release.kubectl('get', 'pod', String(ingress?.name), '-o', 'jsonpath={.spec.nodeName}')).trim();
  const selector = `--pod-selector=app.kubernetes.io/instance=mirror`;
  try {
    const drained = release.kubectl('drain', node, selector, '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=60s');
    const error = await drained.then(
      () => null,
      (reason: unknown) => String(reason),
    );
    if (nodes > 1) assert.equal(error, null);
    else assert.match(String(error), /disruption budget/);
    for (const component of ['ingress', 'sync-worker', 'delete-worker']) {
      assert.ok(
        (await release.pods(component)).some(({ isReady }) => isReady),
        `no pod of ${component} runs`,
      );
    }
  } finally {
    await release.kubectl('uncordon', node);
  }
  const areReady = async () => (await release.pods()).every(({ component, isReady }) => component === 'init' || isReady);
  await waitUntil('all pods after the drain', areReady, { timeoutMs: 120_000, signal });
  return nodes === 1 ? 'the only node: each budget held one back' : `${node} of ${nodes}`;
}

/** A connection that is kept alive may close while a sender uses it again: HTTP leaves that to the sender, which sends again. */
function isRefusal({ result }: WebhookAttempt): boolean {
  return !(result.kind === 'answer' ? result.status === 200 : result.kind === 'network_error' && result.code === 'ECONNRESET');
}
