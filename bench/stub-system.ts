import type { Customer } from '@notion-mirror/demo/customers';
import { freePort } from '@notion-mirror/local-stack/ports';
import type { StackAddresses } from '@notion-mirror/local-stack/stack';
import { waitUntil } from '@notion-mirror/local-stack/wait-until';
import { openBacklog, type Backlog } from './backlog.ts';
import { prepareWithSystem, type BenchSystem } from './bench-system.ts';
import { startServer } from './children.ts';
import type { Prepared } from './scenario.ts';

const tenants = 200;
const dayMs = 24 * 60 * 60 * 1_000;

export interface StubSystem extends BenchSystem {
  readonly backlog: Backlog;
  readonly customers: readonly Customer[];
  /** Of the process that answers in Notion's place. */
  readonly notionPid: number;
}

/**
 * A system whose Notion answers at once, from a process of its own that costs little: the emulator lives in this process and would be measured too.
 * It has tenants without databases that have been swept, and no service runs.
 */
export async function prepareWithStub(
  stack: StackAddresses,
  scenario: string,
  prepare: (bench: StubSystem) => Promise<Prepared['contenders']>,
): Promise<Prepared> {
  const port = await freePort();
  return prepareWithSystem(
    stack,
    scenario,
    async (bench, onEnd) => {
      const { system, watchdog } = bench;
      const notion = await startServer(watchdog, 'floors/notion-stub.ts', { BENCH_PORT: String(port) });
      onEnd(() => notion.stop());
      const customers = Array.from({ length: tenants }, (_, n) => system.prepare(`tenant-${n}`, `Tenant ${n}`));
      for (const customer of customers) await system.register(customer);
      const backlog = await openBacklog(system, customers);
      onEnd(() => backlog.close());
      const worker = await system.start('sync-worker');
      const areSwept = async () => (await system.db.collection('sweeps').countDocuments({ last: { $ne: null } })) === tenants;
      await waitUntil('the first sweep of every tenant', areSwept, { timeoutMs: 60_000 });
      await worker.stop();
      // The stub finds nothing in a search: a sweep in the middle would ask for every database that the mirror has.
      await system.db.collection('sweeps').updateMany({}, { $set: { dueAt: new Date(Date.now() + dayMs) } });
      return prepare({ ...bench, backlog, customers, notionPid: notion.pid });
    },
    { MIRROR_NOTION_API_URL: `http://127.0.0.1:${port}` },
  );
}
