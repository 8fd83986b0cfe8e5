import { randomBytes } from 'node:crypto';
import { MongoClient, type Db } from 'mongodb';
import { startNangoEmulator, type NangoEmulator, type NangoEmulatorOptions } from '@notion-mirror/emulators/nango/emulator';
import { startNotionEmulator, type NotionEmulator, type NotionEmulatorOptions } from '@notion-mirror/emulators/notion/emulator';
import type { StackAddresses } from '@notion-mirror/local-stack/stack';
import { createCustomer, type Customer } from './customers.ts';
import { differences, type Difference } from './equality.ts';
import { freePort, runMirror, startService, type LogLine, type ServiceName, type ServiceProcess } from './service-process.ts';

/** notion-mirror as a whole, as processes, between emulators of Notion and Nango, on real servers. */
export interface System {
  readonly notion: NotionEmulator;
  readonly nango: NangoEmulator;
  readonly env: Readonly<Record<string, string>>;
  readonly db: Db;
  readonly webhookUrl: (route: 'nango' | 'notion') => string;
  start(name: ServiceName): Promise<ServiceProcess>;
  /** Runs `mirror …` and resolves with what it prints. */
  mirror(...args: string[]): Promise<string>;
  /** A new Notion workspace, connected through Nango and known to the mirror as this tenant. */
  connect(workspaceId: string, name: string): Promise<Customer>;
  /** A new Notion workspace that nobody has connected; its differences count from now on. */
  prepare(workspaceId: string, name: string): Customer;
  /** What differs between the mirror's view and Notion's truth, over all customers. */
  differences(): Promise<Difference[]>;
  /** How many databases Notion shows all customers' integrations now. */
  notionDatabases(): number;
  /** Stops emulators and services that still run. The servers stay. */
  stop(): Promise<void>;
}

const webhookSecret = 'secret_of_the_subscription_between_notion_and_nango';

/**
 * Starts the emulators, runs `mirror init` and connects Notion's webhooks through Nango to the ingress (which listens when it is started).
 * `name` keeps what is on the servers apart from others: a prefix of topics and the name of the MongoDB database.
 */
export async function startSystem(
  stack: StackAddresses,
  options: {
    readonly name: string;
    readonly notion?: NotionEmulatorOptions;
    readonly nango?: NangoEmulatorOptions;
    readonly env?: Readonly<Record<string, string>>;
    readonly onLine?: (line: LogLine) => void;
  },
): Promise<System> {
  const httpPort = await freePort();
  const notion = await startNotionEmulator(options.notion);
  const nango = await startNangoEmulator({ ...options.nango, forwardTo: `http://127.0.0.1:${httpPort}/webhooks/nango` });
  const mongodbUri = new URL(stack.mongodbUri);
  mongodbUri.pathname = `/${options.name}`;
  const client = new MongoClient(mongodbUri.href);
  const env: Record<string, string> = {
    MIRROR_KAFKA_BROKERS: stack.kafkaBrokers,
    MIRROR_SCHEMA_REGISTRY_URL: stack.schemaRegistryUrl,
    MIRROR_MONGODB_URI: mongodbUri.href,
    MIRROR_TOPIC_PREFIX: `${options.name}.`,
    MIRROR_KAFKA_PARTITIONS: '6',
    MIRROR_HTTP_HOST: '127.0.0.1',
    MIRROR_HTTP_PORT: String(httpPort),
    MIRROR_NANGO_URL: nango.url,
    MIRROR_NANGO_API_KEY: nango.environment.apiKey,
    MIRROR_NANGO_SIGNING_KEYS: nango.environment.signingKey,
    MIRROR_NOTION_API_URL: notion.url,
    MIRROR_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    ...options.env,
  };
  const services = new Set<ServiceProcess>();
  const customers: Customer[] = [];
  const db = client.db(options.name);

  const truthOf = ({ notionWorkspaceId, botId }: Customer) => notion.truth({ workspaceId: notionWorkspaceId, botId });
  const stop = async () => {
    await Promise.all([...services].map((service) => service.stop()));
    await Promise.all([notion.stop(), nango.stop(), client.close()]);
  };
  try {
    await runMirror(['init'], env);
    const integration = notion.createIntegration({ name: 'Mirror' });
    nango.setWebhookSecret({ webhookSecret });
    await notion.subscribe({ integrationId: integration.id, url: nango.webhookUrl(), verificationToken: webhookSecret });

    const prepare = (workspaceId: string, name: string): Customer => {
      const customer = createCustomer(notion, integration.id, workspaceId, name);
      customers.push(customer);
      return customer;
    };
    return {
      notion,
      nango,
      env,
      db,
      webhookUrl: (route) => `http://127.0.0.1:${httpPort}/webhooks/${route}`,
      async start(name) {
        const service = await startService(name, env, options.onLine);
        services.add(service);
        void service.exited.then(() => services.delete(service));
        return service;
      },
      mirror: (...args) => runMirror(args, env),
      prepare,
      async connect(workspaceId, name) {
        const customer = prepare(workspaceId, name);
        const { connectionId, notionWorkspaceId, botId, botToken } = customer;
        nango.createConnection({ connectionId, accessToken: botToken, workspaceId: notionWorkspaceId, botId });
        await runMirror(['connections', 'add', connectionId, ...connectionOptions(customer)], env);
        return customer;
      },
      async differences() {
        const found = await Promise.all(
          customers.map(async (customer) => {
            const documents = await db.collection('databases').find({ workspaceId: customer.workspaceId }).toArray();
            return differences(documents, truthOf(customer));
          }),
        );
        return found.flat();
      },
      notionDatabases: () => customers.reduce((sum, customer) => sum + truthOf(customer).length, 0),
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
  return ['--provider-config-key', 'notion', ...tenant];
}
