import type { Customer } from '@notion-mirror/demo/customers';
import { freePort } from '@notion-mirror/local-stack/ports';
import type { StackAddresses } from '@notion-mirror/local-stack/stack';
import { waitUntil } from '@notion-mirror/local-stack/wait-until';
import type { Document } from 'mongodb';
import { openBacklog, type Backlog } from './backlog.ts';
import { prepareWithSystem, type BenchSystem } from './bench-system.ts';
import { startServer } from './children.ts';
import type { Figures, Prepared } from './scenario.ts';

const dayMs = 24 * 60 * 60 * 1_000;

export interface StubSystem extends BenchSystem {
  readonly backlog: Backlog;
  readonly customers: readonly Customer[];
  /** Process that answers in Notion's place. */
  readonly notionPid: number;
}

export interface StubOptions {
  /** Default 200, and 8 with `quick`: before anything is measured each is compared with Notion once. */
  readonly tenants?: number;
  readonly quick?: boolean;
  /** Latency of a call to Notion, ms. Default 0. */
  readonly callMs?: number;
  /** Settings that differ from the defaults. */
  readonly variables?: Readonly<Record<string, string>>;
}

let measured = 0;

/** Measures once on a system of its own, for scenarios that leave too much behind to be measured twice on one. */
export async function measureAlone(
  stack: StackAddresses,
  scenario: string,
  options: StubOptions,
  measure: (bench: StubSystem) => Promise<Figures>,
): Promise<Figures> {
  let figures: Figures = {};
  measured += 1;
  const prepare = async (bench: StubSystem) => {
    figures = await measure(bench);
    return [];
  };
  const prepared = await prepareWithStub(stack, `${scenario}-${measured}`, prepare, options);
  await prepared.end();
  return figures;
}

/**
 * A system whose Notion answers at once, from a cheap process of its own: the emulator runs in this process and would be measured too. Its tenants have no
 * databases and have been swept; no service runs.
 */
export async function prepareWithStub(
  stack: StackAddresses,
  scenario: string,
  prepare: (bench: StubSystem, onEnd: (end: () => Promise<void>) => void) => Promise<Prepared['contenders']>,
  options: StubOptions = {},
): Promise<Prepared> {
  const { quick = false, tenants = quick ? 8 : 200, callMs = 0, variables = {} } = options;
  const port = await freePort();
  return prepareWithSystem(
    stack,
    scenario,
    async (bench, onEnd) => {
      const { system, watchdog } = bench;
      const notion = await startServer(watchdog, 'floors/notion-stub.ts', {
        BENCH_PORT: String(port),
        BENCH_CALL_MS: String(callMs),
      });
      onEnd(() => notion.stop());
      const customers = Array.from({ length: tenants }, (_, n) => system.prepare(`tenant-${n}`, `Tenant ${n}`));
      for (const customer of customers) await system.register(customer);
      const backlog = await openBacklog(system, customers);
      onEnd(() => backlog.close());
      await sweepAll(bench, customers);
      return prepare({ ...bench, backlog, customers, notionPid: notion.pid }, onEnd);
    },
    { MIRROR_NOTION_API_URL: `http://127.0.0.1:${port}`, ...variables },
  );
}

/** A finished sweep, as MongoDB holds it; null before the first. */
let sweep: Document | null = null;

/**
 * Marks every tenant as compared with Notion and not due again: the stub finds nothing in a search, so a sweep during a measurement would fetch every database
 * of the mirror. The first time a worker sweeps; later its result is copied.
 */
async function sweepAll({ system }: BenchSystem, customers: readonly Customer[]): Promise<void> {
  const sweeps = system.db.collection<Document & { _id: string }>('sweeps');
  const dueAt = new Date(Date.now() + dayMs);
  if (sweep !== null) {
    const model = sweep;
    const activation = new Date();
    await sweeps.insertMany(customers.map(({ workspaceId }) => ({ ...model, _id: workspaceId, activation, dueAt })));
    return;
  }
  const worker = await system.start('sync-worker');
  const areSwept = async () => (await sweeps.countDocuments({ last: { $ne: null } })) === customers.length;
  await waitUntil('the first sweep of every tenant', areSwept, { timeoutMs: 60_000 });
  await worker.stop();
  await sweeps.updateMany({}, { $set: { dueAt } });
  sweep = await sweeps.findOne({});
}
