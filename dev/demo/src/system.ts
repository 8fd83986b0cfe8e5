import { randomBytes } from 'node:crypto';
import { MongoClient, type Db } from 'mongodb';
import { startEmulatorPair, type EmulatorPair, type EmulatorPairOptions } from '@notion-mirror/emulators/pair';
import { freePort } from '@notion-mirror/local-stack/ports';
import type { StackAddresses } from '@notion-mirror/local-stack/stack';
import { startWatchdog } from '@notion-mirror/local-stack/watchdog';
import { createConnectionStore } from '@notion-mirror/mirror-store/connection-store';
import { createCustomer, type Customer } from './customers.ts';
import { differences, type Difference } from './equality.ts';
import { contentsDifferences, rowDifferences } from './row-equality.ts';
import {
  runMirror,
  startService,
  tryMirror,
  type MirrorRun,
  type LogLine,
  type ServiceName,
  type ServiceProcess,
} from './service-process.ts';

/** The integration's name in the emulated Nango. */
const providerConfigKey = 'notion';

/** notion-mirror as a whole, as processes, between emulators of Notion and Nango, on real servers. */
export interface System {
  readonly pair: EmulatorPair;
  readonly notion: EmulatorPair['notion'];
  readonly nango: EmulatorPair['nango'];
  readonly env: Readonly<Record<string, string>>;
  readonly db: Db;
  readonly webhookUrl: (route: 'nango' | 'notion') => string;
  /** `program`: another one in the place of the service. `env`: variables of this process only. */
  start(name: ServiceName, program?: string, env?: Readonly<Record<string, string>>): Promise<ServiceProcess>;
  /** Runs `mirror …` and resolves with what it prints. */
  mirror(...args: string[]): Promise<string>;
  /** The same, for a command that may fail. */
  tryMirror(...args: string[]): Promise<MirrorRun>;
  /** A new Notion workspace, connected through Nango and known to the mirror as this tenant. */
  connect(workspaceId: string, name: string): Promise<Customer>;
  /** Registers a prepared customer with the mirror as `connect` does, but without starting a process: for many at once. */
  register(customer: Customer): Promise<void>;
  /** A new Notion workspace, connected in Nango, of which the mirror knows nothing yet; its differences count from now on. */
  prepare(workspaceId: string, name: string): Customer;
  /**
   * What differs between the mirror's views and Notion's truth, over all customers or for one tenant: of the databases, and when there is nothing,
   * of the rows and of what the mirror says about their completeness.
   */
  differences(workspaceId?: string): Promise<Difference[]>;
  /** What differs between the counts of the last scan of each data source and the rows that Notion shows now. */
  countDifferences(): Promise<Difference[]>;
  /** How many databases Notion shows all customers' integrations now. */
  notionDatabases(): number;
  /** How many rows Notion shows them. */
  notionRows(): number;
  /** Stops emulators and services that still run. The servers stay. */
  stop(): Promise<void>;
}

/**
 * Starts the emulators, wired to the port of the ingress (which listens when it is started), and runs `mirror init`.
 * `name` separates this system from others on the same servers: it prefixes the topics and names the MongoDB database.
 */
export async function startSystem(
  stack: StackAddresses,
  options: {
    readonly name: string;
    readonly emulators?: EmulatorPairOptions;
    readonly env?: Readonly<Record<string, string>>;
    readonly onLine?: (line: LogLine) => void;
  },
): Promise<System> {
  const httpPort = await freePort();
  const forwardTo = `http://127.0.0.1:${httpPort}/webhooks/nango`;
  const pair = await startEmulatorPair({ ...options.emulators, nango: { ...options.emulators?.nango, forwardTo } });
  const { notion, nango } = pair;
  // Not parsed with URL: a replica set has several hosts.
  const mongodbUri = stack.mongodbUri.replace('/?', `/${options.name}?`);
  const client = new MongoClient(mongodbUri);
  const env: Record<string, string> = {
    MIRROR_KAFKA_BROKERS: stack.kafkaBrokers,
    MIRROR_SCHEMA_REGISTRY_URL: stack.schemaRegistryUrl,
    MIRROR_MONGODB_URI: mongodbUri,
    MIRROR_TOPIC_PREFIX: `${options.name}.`,
    MIRROR_KAFKA_PARTITIONS: '6',
    MIRROR_HTTP_HOST: '127.0.0.1',
    MIRROR_HTTP_PORT: String(httpPort),
    MIRROR_CONSOLE_INGRESS_URL: `http://127.0.0.1:${httpPort}`,
    MIRROR_NANGO_URL: nango.url,
    MIRROR_NANGO_API_KEY: nango.environment.apiKey,
    MIRROR_NANGO_SIGNING_KEYS: nango.environment.signingKey,
    MIRROR_NOTION_API_URL: notion.url,
    // Customers are connected by name, before Nango's notice could add them under another tenant.
    MIRROR_CONNECTION_TENANT: 'off',
    MIRROR_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    // As far behind as an emulated Notion is asked to be in the tests, so that scans need not wait a minute.
    MIRROR_NOTION_LAG_SECONDS: '1',
    ...options.env,
  };
  const watchdog = await startWatchdog();
  const services = new Set<ServiceProcess>();
  const customers: Customer[] = [];
  const db = client.db(options.name);
  const connections = createConnectionStore(db);

  const truthOf = ({ notionWorkspaceId, botId }: Customer) => notion.truth({ workspaceId: notionWorkspaceId, botId });
  const rowTruthOf = ({ notionWorkspaceId, botId }: Customer) => notion.rowTruth({ workspaceId: notionWorkspaceId, botId });
  const documentsOf = (collection: string, { workspaceId }: Customer) => db.collection(collection).find({ workspaceId }).toArray();
  const rowsDifferOf = async (customer: Customer): Promise<Difference[]> => {
    const [rows, contents] = await Promise.all([documentsOf('rows', customer), documentsOf('data_source_contents', customer)]);
    const truths = rowTruthOf(customer);
    return [
      ...rowDifferences(customer.workspaceId, rows, truths),
      ...contentsDifferences(contents, truthOf(customer), truths, { withCounts: false }),
    ];
  };
  const stop = async () => {
    await Promise.all([...services].map((service) => service.stop()));
    await Promise.all([pair.stop(), client.close(), watchdog.close()]);
  };
  try {
    await runMirror(['init'], env);
    const prepare = (workspaceId: string, name: string): Customer => {
      const customer = createCustomer(pair, workspaceId, name);
      customers.push(customer);
      return customer;
    };
    return {
      pair,
      notion,
      nango,
      env,
      db,
      webhookUrl: (route) => `http://127.0.0.1:${httpPort}/webhooks/${route}`,
      async start(name, program, ownEnv = {}) {
        const service = await startService(name, { ...env, ...ownEnv }, { watchdog, onLine: options.onLine, program });
        services.add(service);
        void service.exited.then(() => services.delete(service));
        return service;
      },
      mirror: (...args) => runMirror(args, env),
      tryMirror: (...args) => tryMirror(args, env),
      prepare,
      async register({ connectionId, workspaceId, notionWorkspaceId, botId }) {
        await connections.add({ connectionId, providerConfigKey, workspaceId, notionWorkspaceId, botId, token: null });
      },
      async connect(workspaceId, name) {
        const customer = prepare(workspaceId, name);
        await runMirror(['connections', 'add', customer.connectionId, ...connectionOptions(customer)], env);
        return customer;
      },
      async differences(workspaceId) {
        const of = workspaceId === undefined ? customers : customers.filter((customer) => customer.workspaceId === workspaceId);
        const found = await Promise.all(
          of.map(async (customer) => {
            const documents = await documentsOf('databases', customer);
            const databases = differences(documents, truthOf(customer));
            return databases.length === 0 ? rowsDifferOf(customer) : databases;
          }),
        );
        return found.flat();
      },
      async countDifferences() {
        const found = await Promise.all(
          customers.map(async (customer) => {
            const contents = await documentsOf('data_source_contents', customer);
            return contentsDifferences(contents, truthOf(customer), rowTruthOf(customer), { withCounts: true });
          }),
        );
        return found.flat();
      },
      notionDatabases: () => customers.reduce((sum, customer) => sum + truthOf(customer).length, 0),
      notionRows: () => customers.reduce((sum, customer) => sum + rowTruthOf(customer).length, 0),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What `mirror connections add` needs to know of a customer's connection. */
export function connectionOptions({
  workspaceId,
  notionWorkspaceId,
  botId,
}: Pick<Customer, 'workspaceId' | 'notionWorkspaceId' | 'botId'>): string[] {
  const tenant = ['--workspace-id', workspaceId, '--notion-workspace-id', notionWorkspaceId, '--bot-id', botId];
  return ['--provider-config-key', providerConfigKey, ...tenant];
}
