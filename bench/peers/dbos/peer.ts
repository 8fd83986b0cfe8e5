import { DBOSClient } from '@dbos-inc/dbos-sdk';
import type { Customer } from '@notion-mirror/demo/customers';
import { waitUntil } from '@notion-mirror/local-stack/wait-until';
import { MongoClient, type Db } from 'mongodb';
import type { BenchSystem } from '../../bench-system.ts';
import { startServer, type Server } from '../../children.ts';
import { mongoUriOf } from '../../mongo-floor.ts';
import { startPostgres, type Postgres } from './postgres.ts';

export interface Peer {
  readonly pid: number;
  /** Where its webhooks go. */
  readonly url: string;
  /** Its mirror: `database_records`, as far as it has the same fields. */
  readonly db: Db;
  /** Resolves when it has run all that it has accepted. */
  readonly untilIdle: () => Promise<void>;
  /** It runs only during the work: its polls, fifty times a second where it is tuned, would cost whoever else is measured. */
  readonly awake: Server['awake'];
}

/** How often it looks at its queue, ms; null: as the SDK does by itself, every second. */
export type Polling = number | null;

/** The PostgreSQL of a scenario; says so when there is none, and the peer is left out. */
export async function postgresOf({ watchdog }: BenchSystem, onEnd: (end: () => Promise<void>) => void): Promise<Postgres | null> {
  const postgres = await startPostgres(watchdog);
  if (postgres === null) console.error('PostgreSQL is not installed (Debian: postgresql): the peer is left out');
  else onEnd(() => postgres.stop());
  return postgres;
}

/** The peer, for the same tenants and the same Notion as the system beside it. `runs`: whether it also works on what it has accepted. */
export async function startPeer(
  { system, watchdog }: BenchSystem,
  onEnd: (end: () => Promise<void>) => void,
  options: {
    readonly name: string;
    readonly postgres: Postgres;
    readonly customers: readonly Customer[];
    readonly polling: Polling;
    readonly runs: boolean;
  },
): Promise<Peer> {
  const { name, postgres, customers, polling, runs } = options;
  const uri = mongoUriOf(system, name);
  const mongo = new MongoClient(uri);
  onEnd(() => mongo.close());
  const tokens = customers.map(({ connectionId, workspaceId, botToken }) => [connectionId, { workspaceId, token: botToken }]);
  const server = await startServer(watchdog, 'peers/dbos/server.ts', {
    BENCH_SIGNING_KEY: system.nango.environment.signingKey,
    BENCH_POSTGRES_URL: postgres.url(name),
    BENCH_MONGODB_URI: uri,
    BENCH_NOTION_URL: system.notion.url,
    BENCH_CONNECTIONS: JSON.stringify(Object.fromEntries(tokens)),
    BENCH_DEQUEUE: runs ? 'yes' : 'no',
    ...(polling !== null && { BENCH_POLLING_MS: String(polling), BENCH_POOL: '20' }),
  });
  onEnd(() => server.stop());
  // Asks PostgreSQL itself: the peer's own process has nothing to do with it.
  const client = await DBOSClient.create({ systemDatabaseUrl: postgres.url(name), systemDatabasePoolSize: 1 });
  onEnd(() => client.destroy());
  const isIdle = async () => (await client.listQueuedWorkflows({ limit: 1, loadInput: false })).length === 0;
  await server.awake(async () => {});
  return {
    pid: server.pid,
    awake: (work) => server.awake(work),
    url: `http://127.0.0.1:${server.port}/`,
    db: mongo.db(),
    untilIdle: () => waitUntil('all workflows of the peer to be run', isIdle, { timeoutMs: 120_000 }),
  };
}
