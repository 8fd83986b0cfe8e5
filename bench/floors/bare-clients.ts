import type { Customer } from '@notion-mirror/demo/customers';
import type { StackAddresses } from '@notion-mirror/local-stack/stack';
import { MongoClient, type Db } from 'mongodb';
import type { BenchSystem } from '../bench-system.ts';
import { startServer } from '../children.ts';

export interface BareClients {
  readonly url: string;
  /** Its mirror: `database_records`, as far as it has the same fields. */
  readonly db: Db;
  readonly ingressPid: number;
  readonly workerPid: number;
}

/** The floor of the whole way: the least code from a webhook over the log to the document, in two processes like the product. It promises nothing. */
export async function startBareClients(
  { system, watchdog }: BenchSystem,
  onEnd: (end: () => Promise<void>) => void,
  { stack, customers }: { readonly stack: StackAddresses; readonly customers: readonly Customer[] },
): Promise<BareClients> {
  const name = `${system.db.databaseName}_bare`;
  const uri = system.env['MIRROR_MONGODB_URI']?.replace(system.db.databaseName, name) ?? '';
  const mongo = new MongoClient(uri);
  onEnd(() => mongo.close());
  const log = { BENCH_BROKERS: stack.kafkaBrokers, BENCH_TOPIC: name };
  const ingress = await startServer(watchdog, 'floors/webhook-server.ts', {
    ...log,
    BENCH_SERVER: 'koa',
    BENCH_SIGNING_KEY: system.nango.environment.signingKey,
    BENCH_TENANTS: JSON.stringify(Object.fromEntries(customers.map((one) => [one.connectionId, one.workspaceId]))),
  });
  onEnd(() => ingress.stop());
  const worker = await startServer(watchdog, 'floors/bare-worker.ts', {
    ...log,
    BENCH_MONGODB_URI: uri,
    BENCH_NOTION_URL: system.notion.url,
    BENCH_TOKENS: JSON.stringify(Object.fromEntries(customers.map((one) => [one.connectionId, one.botToken]))),
  });
  onEnd(() => worker.stop());
  return { url: `http://127.0.0.1:${ingress.port}/`, db: mongo.db(), ingressPid: ingress.pid, workerPid: worker.pid };
}
