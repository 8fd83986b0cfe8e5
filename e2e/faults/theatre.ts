import { setTimeout as delay } from 'node:timers/promises';
import type { Customer } from '@notion-mirror/demo/customers';
import type { LogLine } from '@notion-mirror/demo/service-process';
import { startSystem, type System } from '@notion-mirror/demo/system';
import { createRandom, type Random } from '@notion-mirror/emulators/random';
import { createSeededLife } from '@notion-mirror/emulators/seeded-life';
import type { Cluster } from '@notion-mirror/local-stack/cluster';
import { createEqualityCheck } from '../row-scans.ts';
import { watchRows } from '../row-watch.ts';
import { waitUntil } from '../wait-until.ts';
import { removeTopics, whatIsWrong, whereabouts } from './checks.ts';
import { createLedger, type LedgerFigures } from '../ledger.ts';
import { allServices, type Scenario, type Stage } from './scenario.ts';
import { sendWebhook } from './send-webhook.ts';
import { createServices, isWarning } from './services.ts';

export interface ScenarioResult {
  readonly name: string;
  readonly what: string;
  readonly seconds: number;
  /** Empty: passed. */
  readonly complaints: readonly string[];
  readonly figures: Readonly<Record<string, number>>;
  /** The last warnings of the services, when something is wrong. */
  readonly warnings: readonly LogLine[];
}

/**
 * A whole system with its customers on a cluster. Scenarios are played on it in sequence, as faults follow each other in a real deployment:
 * each inherits the state left by the previous one.
 */
export interface Theatre {
  /** Plays a scenario and reports what is wrong afterwards. Never rejects. */
  play(scenario: Scenario, onStep: (step: string) => void): Promise<ScenarioResult>;
  /** Every log line of the services so far. */
  readonly lines: readonly LogLine[];
  /** Scans all rows, for what no event announces. One sentence if the mirror does not equal Notion then. */
  compareRows(): Promise<readonly string[]>;
  /** Stops the services. One sentence for each that did not stop properly. */
  close(): Promise<readonly string[]>;
}

export interface TheatreOptions {
  readonly cluster: Cluster;
  readonly seed: string;
  readonly tenants: number;
  /** Minimum customer actions in a scenario. */
  readonly actions: number;
}

/** The recovery deadline, from the end of the damage. */
const recoveryMs = 240_000;
/** Between two customer actions. */
const paceMs = 250;
const pollMs = 250;
const redeliveredAtOnce = 16;

/** Rejects when the system cannot be started. */
export async function openTheatre({ cluster, seed, tenants, actions }: TheatreOptions): Promise<Theatre> {
  const ledger = createLedger();
  const lines: LogLine[] = [];
  /** How far Notion's clock is ahead, ms. */
  let skewMs = 0;
  let expectedDeadLetters = 0;
  const system = await startSystem(cluster, {
    name: `faults_${process.pid}_${Date.now().toString(36)}`,
    // Webhooks come late, duplicated and reordered. Nango gives one up after three attempts; `redeliverLost` plays the support desk.
    emulators: {
      seed,
      notion: {
        clock: () => Date.now() + skewMs,
        delivery: { delayMs: [0, 300], duplicateProbability: 0.1, reorderProbability: 0.2, reorderMs: 1_000 },
        rows: { keepVersions: true },
      },
      nango: { delivery: { breaker: null, timeScale: 0.05 } },
    },
    env: { MIRROR_NOTION_REQUESTS_PER_MINUTE: '6000', MIRROR_NOTION_TIMEOUT_SECONDS: '3' },
    onLine: (line) => {
      lines.push(line);
      ledger.read(line);
    },
  });
  const services = createServices(system);
  const redeliverLost = createRedelivery(system);
  const watch = watchRows(system);
  await Promise.all(allServices.map((service) => services.start(service)));
  const customers = await connectAll(system, tenants);

  function stageFor(random: Random, figures: Record<string, number>): Stage {
    return {
      cluster,
      system,
      services,
      customers,
      random,
      between: (low, high) => delay(random.between(low, high)),
      notionFault: (fault) => {
        for (const { botToken } of customers) system.notion.faults.inject({ ...fault, token: botToken });
      },
      skewNotion: (seconds) => {
        skewMs = seconds * 1_000;
      },
      expectDeadLetters: (count) => {
        expectedDeadLetters += count;
      },
      count: (figure, by = 1) => {
        figures[figure] = (figures[figure] ?? 0) + by;
      },
      until: (what, holds, withinMs = 60_000) => waitUntil(holds, { timeoutMs: withinMs, describe: () => `${what}: it did not happen` }),
    };
  }

  async function repair(): Promise<void> {
    skewMs = 0;
    system.notion.faults.clear();
    system.nango.faults.clear();
    await cluster.heal();
    await services.startMissing(allServices);
  }

  async function problems(): Promise<string[]> {
    try {
      await redeliverLost();
      return await whatIsWrong({ cluster, system, withoutOutcome: () => ledger.withoutOutcome(system.db), expectedDeadLetters });
    } catch (error) {
      return [String(error)];
    }
  }

  async function playThrough(scenario: Scenario, figures: Record<string, number>, onStep: (step: string) => void): Promise<string[]> {
    const seedOfScenario = `${seed} ${scenario.name}`;
    onStep('customers work, things break');
    const stage = stageFor(createRandom(`damage ${seedOfScenario}`), figures);
    figures['actions'] = await liveDuring(system, customers, { seed: seedOfScenario, actions }, () => scenario.damage(stage));
    onStep('repairing');
    await repair();
    const repaired = performance.now();
    let wrong = await problems();
    while (wrong.length > 0 && performance.now() < repaired + recoveryMs) {
      onStep(`waiting for recovery: ${wrong.join('; ').slice(0, 120)}`);
      await delay(pollMs);
      wrong = await problems();
    }
    figures['recoverySeconds'] = (performance.now() - repaired) / 1_000;
    return [...wrong, ...(await whereabouts(cluster, system, await ledger.withoutOutcome(system.db)))];
  }

  return {
    lines,

    async play(scenario, onStep) {
      const began = performance.now();
      const figures: Record<string, number> = {};
      const before = { ...ledger.figures };
      const linesBefore = lines.length;
      services.maxRss.clear();
      const complaints: string[] = [];
      try {
        complaints.push(...(await playThrough(scenario, figures, onStep)));
      } catch (error) {
        complaints.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
      }
      complaints.push(...services.complaints.splice(0), ...watch.complaints.splice(0));
      for (const [service, bytes] of services.maxRss) figures[`maxRssMb ${service}`] = Math.round(bytes / 1024 / 1024);
      for (const [figure, value] of Object.entries(ledger.figures)) figures[figure] = value - before[figure as keyof LedgerFigures];
      figures['databases'] = system.notionDatabases();
      figures['rows'] = system.notionRows();
      const isWrong = complaints.length > 0;
      return {
        name: scenario.name,
        what: scenario.what,
        seconds: (performance.now() - began) / 1_000,
        complaints,
        figures,
        warnings: isWrong ? lines.slice(linesBefore).filter(isWarning).slice(-20) : [],
      };
    },

    async compareRows() {
      const describe = async () => `rows differ after a scan: ${JSON.stringify((await system.differences()).slice(0, 3))}`;
      return waitUntil(createEqualityCheck(system), { timeoutMs: recoveryMs, describe }).then(
        () => [],
        (error: unknown) => [String(error)],
      );
    },

    async close() {
      await cluster.heal();
      await watch.stop();
      await Promise.all(services.running().map((service) => services.stop(service)));
      services.close();
      await system.db.dropDatabase();
      await system.stop();
      await removeTopics(cluster, system);
      return [...services.complaints, ...watch.complaints];
    },
  };
}

async function connectAll(system: System, tenants: number): Promise<Customer[]> {
  return Promise.all(
    Array.from({ length: tenants }, async (_, index) => {
      const workspaceId = `tenant-${index + 1}`;
      // The first through the CLI, as an operator would; doing so for all would take a minute of process starts.
      if (index === 0) return system.connect(workspaceId, workspaceId);
      const customer = system.prepare(workspaceId, workspaceId);
      await system.register(customer);
      return customer;
    }),
  );
}

/** Lets customers work until `during` has ended and they have done at least `actions` actions. Resolves to the number done. */
async function liveDuring(
  system: System,
  customers: readonly Customer[],
  { seed, actions }: { readonly seed: string; readonly actions: number },
  during: () => Promise<void>,
): Promise<number> {
  const rows = { share: 0.5, most: 12 };
  const life = createSeededLife({ pair: system.pair, workspaces: customers.map(({ inNotion }) => inNotion), seed, rows });
  // So that there is something to break.
  const first = Math.min(actions, customers.length);
  await life.run(first);
  const damaged = new AbortController();
  const damage = during().finally(() => damaged.abort());
  // Awaited below; it may reject earlier, unhandled.
  damage.catch(() => {});
  let done = first;
  while (!damaged.signal.aborted || done < actions) {
    await life.step();
    done += 1;
    if (!damaged.signal.aborted) await delay(paceMs);
  }
  await damage;
  return done;
}

/** Nango has no queue and drops webhooks it has given up. Sends those again unchanged, so that every event is acknowledged in the end. */
function createRedelivery(system: System): () => Promise<void> {
  const { nango } = system;
  const redelivered = new Set<string>();
  return async function redeliverLost() {
    await nango.settle();
    const lost = nango.deliveries().filter(({ id, state }) => state === 'lost' && !redelivered.has(id));
    const sender = async (): Promise<void> => {
      for (let next = lost.pop(); next !== undefined; next = lost.pop()) {
        const status = await sendWebhook(system, Buffer.from(next.body)).catch(() => null);
        if (status === 200) redelivered.add(next.id);
      }
    };
    await Promise.all(Array.from({ length: redeliveredAtOnce }, sender));
  };
}
