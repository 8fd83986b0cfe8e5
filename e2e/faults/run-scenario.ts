import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Customer } from '@notion-mirror/demo/customers';
import type { LogLine } from '@notion-mirror/demo/service-process';
import { startSystem, type System } from '@notion-mirror/demo/system';
import { webhookHeaders } from '@notion-mirror/emulators/nango/headers';
import { createRandom } from '@notion-mirror/emulators/random';
import { createSeededLife } from '@notion-mirror/emulators/seeded-life';
import { groupIdFor, topicsFor } from '@notion-mirror/event-log/topics';
import type { Cluster } from '@notion-mirror/local-stack/cluster';
import { createConnectionStore } from '@notion-mirror/mirror-store/connection-store';
import { readAll } from '@notion-mirror/event-log/testing/isolated-log';
import kafkajs, { type Admin, type Kafka } from 'kafkajs';
import { waitUntil } from '../wait-until.ts';
import { createLedger } from './ledger.ts';
import { allServices, type Scenario, type Stage } from './scenario.ts';
import { createServices, isWarning } from './services.ts';

export interface ScenarioResult {
  readonly name: string;
  readonly what: string;
  readonly seconds: number;
  /** Empty: passed. */
  readonly complaints: readonly string[];
  readonly figures: Readonly<Record<string, number>>;
  /** The last warnings of the services and the file of all log lines, when something is wrong. */
  readonly warnings: readonly LogLine[];
  readonly logFile: string | null;
}

export interface RunOptions {
  readonly cluster: Cluster;
  readonly seed: string;
  readonly tenants: number;
  /** What customers do at least. */
  readonly actions: number;
  readonly onStep: (step: string) => void;
}

/** From the end of the damage until everything must be well again. */
const recoveryMs = 120_000;
/** Between two things that customers do. */
const paceMs = 15;

/** Plays a scenario on a system of its own and says what is wrong afterwards. Rejects only when the stage itself could not be set. */
export async function runScenario(scenario: Scenario, options: RunOptions): Promise<ScenarioResult> {
  const { cluster, tenants, actions, onStep } = options;
  const seed = `${options.seed} ${scenario.name}`;
  const began = performance.now();
  const ledger = createLedger();
  const lines: LogLine[] = [];
  const folder = await mkdtemp(join(tmpdir(), 'mirror-faults-'));
  const logFile = join(folder, `${scenario.name}.log`);
  const name = `faults_${scenario.name.replaceAll('-', '_')}_${Date.now().toString(36)}`;
  onStep('setting the stage');
  const system = await startSystem(cluster, {
    name,
    emulators: emulatorsOf(scenario, seed),
    env: { MIRROR_NOTION_REQUESTS_PER_MINUTE: '6000', ...scenario.env },
    onLine: (line) => {
      lines.push(line);
      ledger.read(line);
    },
  });
  const services = createServices(system);
  const complaints: string[] = [];
  const figures: Record<string, number> = {};
  let expectedDeadLetters = 0;
  try {
    const customers = await connectAll(system, tenants);
    await Promise.all(allServices.map((service) => services.start(service)));
    const random = createRandom(`damage ${seed}`);
    const stage: Stage = {
      cluster,
      system,
      services,
      customers,
      random,
      between: (low, high) => delay(random.between(low, high)),
      notionFault: (fault) => {
        for (const { botToken } of customers) system.notion.faults.inject({ ...fault, token: botToken });
      },
      expectDeadLetters: (count) => {
        expectedDeadLetters += count;
      },
      count: (figure, by = 1) => {
        figures[figure] = (figures[figure] ?? 0) + by;
      },
      until: (what, holds, withinMs = 60_000) => waitUntil(holds, { timeoutMs: withinMs, describe: () => `${what}: it did not happen` }),
    };

    onStep('customers work, things break');
    figures['actions'] = await liveDuring(system, customers, { seed, actions }, () => scenario.damage(stage));
    onStep('mending');
    system.notion.faults.clear();
    system.nango.faults.clear();
    await cluster.heal();
    await services.startMissing(allServices);
    const mended = performance.now();

    onStep('waiting until all is well');
    const problems = async () => {
      await redeliverLost(system);
      return whatIsWrong({ cluster, system, ledger: ledger.withoutOutcome(), expectedDeadLetters }).catch((error: unknown) => [
        String(error),
      ]);
    };
    let wrong = await problems();
    while (wrong.length > 0 && performance.now() < mended + recoveryMs) {
      await delay(100);
      wrong = await problems();
    }
    complaints.push(...wrong, ...(await whereabouts(cluster, system, ledger.withoutOutcome())));
    figures['recoverySeconds'] = (performance.now() - mended) / 1000;

    onStep('stopping');
    await Promise.all(services.running().map((service) => services.stop(service)));
    complaints.push(...services.complaints);
  } catch (error) {
    complaints.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
    await cluster.heal();
  } finally {
    services.close();
    const { maxRss } = services;
    for (const [service, bytes] of maxRss) figures[`maxRssMb ${service}`] = Math.round(bytes / 1024 / 1024);
    await system.db.dropDatabase().catch(() => {});
    await system.stop();
    await removeTopics(cluster, system).catch(() => {});
  }
  Object.assign(figures, ledger.figures, { databases: system.notionDatabases() });
  if (complaints.length > 0) await appendFile(logFile, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  else await rm(folder, { recursive: true });
  return {
    name: scenario.name,
    what: scenario.what,
    seconds: (performance.now() - began) / 1000,
    complaints,
    figures,
    warnings: complaints.length > 0 ? lines.filter(isWarning).slice(-20) : [],
    logFile: complaints.length > 0 ? logFile : null,
  };
}

/** Webhooks come late, doubled and in another order. Nango gives one up after three attempts; `redeliverLost` plays the support desk. */
function emulatorsOf(scenario: Scenario, seed: string) {
  return {
    seed,
    notion: {
      delivery: { delayMs: [0, 300], duplicateProbability: 0.1, reorderProbability: 0.2, reorderMs: 1_000 },
      ...scenario.emulators?.notion,
    },
    nango: { delivery: { breaker: null, timeScale: 0.05 }, ...scenario.emulators?.nango },
  } satisfies Scenario['emulators'];
}

async function connectAll(system: System, tenants: number): Promise<Customer[]> {
  const store = createConnectionStore(system.db);
  return Promise.all(
    Array.from({ length: tenants }, async (_, index) => {
      const workspaceId = `tenant-${index + 1}`;
      // One as an operator would; the same for all would be a minute of starting processes.
      if (index === 0) return system.connect(workspaceId, workspaceId);
      const customer = system.prepare(workspaceId, workspaceId);
      const { connectionId, notionWorkspaceId, botId } = customer;
      await store.add({ connectionId, providerConfigKey: 'notion', workspaceId, notionWorkspaceId, botId, token: null });
      return customer;
    }),
  );
}

/** Lets customers work until `during` has ended and they have done `actions` things at least. Resolves to how many. */
async function liveDuring(
  system: System,
  customers: readonly Customer[],
  { seed, actions }: { readonly seed: string; readonly actions: number },
  during: () => Promise<void>,
): Promise<number> {
  const life = createSeededLife({ pair: system.pair, workspaces: customers.map(({ inNotion }) => inNotion), seed });
  // So that there is something to break.
  await life.run(Math.min(actions, customers.length * 2));
  const damaged = new AbortController();
  const damage = during().finally(() => damaged.abort());
  // Heard of below; nobody may be waiting when it rejects.
  damage.catch(() => {});
  let done = Math.min(actions, customers.length * 2);
  while (!damaged.signal.aborted || done < actions) {
    await life.step();
    done += 1;
    if (!damaged.signal.aborted) await delay(paceMs);
  }
  await damage;
  return done;
}

/** Nango has no queue: what it gave up is gone. These are sent again, as they were, so that every event is acknowledged in the end. */
async function redeliverLost({ nango }: System): Promise<void> {
  await nango.settle();
  const lost = nango.deliveries().filter(({ state }) => state === 'lost');
  for (const { id, url, body } of lost) {
    if (redelivered.has(`${nango.url} ${id}`)) continue;
    const bytes = Buffer.from(body);
    const headers = webhookHeaders(nango.environment.signingKey, bytes, {});
    const response = await fetch(url, { method: 'POST', headers, body: bytes }).catch(() => null);
    await response?.body?.cancel();
    if (response?.ok === true) redelivered.add(`${nango.url} ${id}`);
  }
}

const redelivered = new Set<string>();

/** One sentence for everything that is not as it must be once nothing is broken any more. */
async function whatIsWrong(facts: {
  readonly cluster: Cluster;
  readonly system: System;
  readonly ledger: readonly string[];
  readonly expectedDeadLetters: number;
}): Promise<string[]> {
  const { cluster, system, ledger, expectedDeadLetters } = facts;
  const prefix = system.env['MIRROR_TOPIC_PREFIX'] ?? '';
  const topics = topicsFor(prefix);
  const groups = (['sync-worker', 'delete-worker'] as const).map((worker) => groupIdFor(prefix, worker));
  const [found, spooled, [deadLetters, lags]] = await Promise.all([
    system.differences(),
    system.db.collection('spooled_events').countDocuments(),
    // A new client each time: one that is kept goes on asking the coordinator that it once knew.
    withAdmin(cluster, (admin) =>
      Promise.all([recordsOf(admin, topics.deadLetters), Promise.all(groups.map((group) => lagOf(admin, group, topics.events)))]),
    ),
  ]);
  return [
    ...(found.length === 0 ? [] : [`the mirror differs from Notion in ${found.length} places: ${JSON.stringify(found.slice(0, 3))}`]),
    ...(ledger.length === 0 ? [] : [`${ledger.length} acknowledged events have no outcome: ${ledger.slice(0, 3).join(', ')}`]),
    ...(spooled === 0 ? [] : [`${spooled} events are in the spool`]),
    ...(deadLetters === expectedDeadLetters ? [] : [`${deadLetters} dead letters instead of ${expectedDeadLetters}`]),
    ...(lags.every((lag) => lag === 0) ? [] : [`the workers are ${lags.join(' and ')} records behind`]),
  ];
}

/** For each event without an outcome: was it lost on the way to the log, or passed over by a worker? */
async function whereabouts(cluster: Cluster, system: System, missing: readonly string[]): Promise<string[]> {
  if (missing.length === 0) return [];
  const { events } = topicsFor(system.env['MIRROR_TOPIC_PREFIX'] ?? '');
  const records = await readAll(kafkaOf(cluster), events);
  return missing.map((key) => {
    const [, workspaceId, eventId] = key.split(' ');
    const found = records.filter((record) => record.key === workspaceId && record.headers['ce_id'] === eventId);
    const places = found.map(({ partition, offset }) => `${partition}:${offset}`);
    return places.length === 0 ? `${key} is not on the log` : `${key} is on the log at ${places.join(', ')}`;
  });
}

function kafkaOf(cluster: Cluster): Kafka {
  const brokers = cluster.direct.kafkaBrokers.split(',');
  return new kafkajs.Kafka({ brokers, clientId: 'faults', logLevel: kafkajs.logLevel.NOTHING });
}

async function withAdmin<T>(cluster: Cluster, use: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafkaOf(cluster).admin();
  await admin.connect();
  try {
    return await use(admin);
  } finally {
    await admin.disconnect();
  }
}

async function recordsOf(admin: Admin, topic: string): Promise<number> {
  const partitions = await admin.fetchTopicOffsets(topic);
  return partitions.reduce((sum, { high, low }) => sum + Number(BigInt(high) - BigInt(low)), 0);
}

async function lagOf(admin: Admin, groupId: string, topic: string): Promise<number> {
  const [ends, [committed]] = await Promise.all([admin.fetchTopicOffsets(topic), admin.fetchOffsets({ groupId, topics: [topic] })]);
  const offsets = new Map(committed?.partitions.map(({ partition, offset }) => [partition, Math.max(0, Number(offset))]));
  return ends.reduce((sum, { partition, high }) => sum + Number(high) - (offsets.get(partition) ?? 0), 0);
}

/** So that a long run does not fill the cluster. */
async function removeTopics(cluster: Cluster, system: System): Promise<void> {
  const prefix = system.env['MIRROR_TOPIC_PREFIX'] ?? '';
  await withAdmin(cluster, async (admin) => {
    const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(prefix));
    await admin.deleteTopics({ topics });
  });
}
