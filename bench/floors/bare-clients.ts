import type { Customer } from '@notion-mirror/demo/customers';
import type { StackAddresses } from '@notion-mirror/local-stack/stack';
import { MongoClient, type Db } from 'mongodb';
import type { BenchSystem } from '../bench-system.ts';
import { startServer } from '../children.ts';
import { mongoUriOf } from '../mongo-floor.ts';
import { startWebhookServer } from './start-webhook-server.ts';

export interface BareClients {
  readonly url: string;
  /** Its mirror: `database_records` and `row_records`, as far as they have the same fields. */
  readonly db: Db;
  readonly ingressPid: number;
  readonly workerPid: number;
}

/** The end-to-end floor: the least code from a webhook through the log to the document, in two processes like the product. It guarantees nothing. */
export async function startBareClients(
  bench: BenchSystem,
  onEnd: (end: () => Promise<void>) => void,
  { stack, customers, notionUrl }: { readonly stack: StackAddresses; readonly customers: readonly Customer[]; readonly notionUrl: string },
): Promise<BareClients> {
  const { system, watchdog } = bench;
  const name = `${system.db.databaseName}_bare`;
  const uri = mongoUriOf(system, name);
  const mongo = new MongoClient(uri);
  onEnd(() => mongo.close());
  const ingress = await startWebhookServer(bench, onEnd, {
    customers,
    log: { brokers: stack.kafkaBrokers, topic: name },
    reports: false,
  });
  const worker = await startServer(watchdog, 'floors/bare-worker.ts', {
    BENCH_BROKERS: stack.kafkaBrokers,
    BENCH_TOPIC: name,
    BENCH_MONGODB_URI: uri,
    BENCH_NOTION_URL: notionUrl,
    BENCH_TOKENS: JSON.stringify(Object.fromEntries(customers.map((one) => [one.connectionId, one.botToken]))),
  });
  onEnd(() => worker.stop());
  return { url: ingress.url, db: mongo.db(), ingressPid: ingress.pid, workerPid: worker.pid };
}
