import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { MongoClient, type Document } from 'mongodb';
import { runCommand } from './command.ts';
import { clusterId } from './kafka-broker.ts';
import { jvmFlags } from './jvm.ts';
import { kafkaClassPath } from './kafka-files.ts';
import { kafkaSettings } from './kafka-settings.ts';
import { mongodArguments } from './mongod.ts';
import { freePort } from './ports.ts';
import { missingTools, prepareProcessFiles, type ProcessFiles } from './process-files.ts';
import { reportStep, type OnProgress } from './progress.ts';
import type { StackAddresses } from './provider.ts';
import { noWayLeft } from './provider-choice.ts';
import { kafkaIsReady, registryIsReady, replicaSetName } from './ready-checks.ts';
import { startSchemaRegistry } from './schema-registry.ts';
import { startServerProcess, waitUntilReady, type ServerProcess } from './server-process.ts';
import { cacheRootOf } from './tool-cache.ts';
import { startToxiproxy, type Proxy, type Toxiproxy } from './toxiproxy.ts';
import { toxiproxyCommand } from './toxiproxy-files.ts';
import { waitUntil } from './wait-until.ts';
import { startWatchdog, type Watchdog } from './watchdog.ts';

/** One server of a cluster. It keeps its data and port across restarts. */
export interface ClusterNode {
  readonly name: string;
  readonly running: boolean;
  readonly logFile: string;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** SIGTERM. */
  stop(): Promise<void>;
  /** Resolves when the node answers, which may be before it has rejoined the cluster: `heal` waits for that. */
  start(): Promise<void>;
}

export interface MongoNode extends ClusterNode {
  /** Steps down as primary for a few seconds. */
  stepDown(): Promise<void>;
}

/**
 * Three Kafka brokers, a replica set of three and a schema registry behind toxiproxy, each of which can be killed, restarted and cut off. The
 * brokers talk to each other directly. The members of the replica set use their proxies, since its config has one address for members and clients.
 */
export interface Cluster extends Readonly<StackAddresses> {
  /** Addresses that bypass the proxies, for the tests' own checks. */
  readonly direct: { readonly kafkaBrokers: string };
  readonly brokers: readonly ClusterNode[];
  readonly mongods: readonly MongoNode[];
  readonly registry: ClusterNode;
  readonly proxies: { readonly kafka: readonly Proxy[]; readonly mongodb: readonly Proxy[]; readonly registry: Proxy };
  readonly logsDir: string;
  leaderOf(topic: string, partition: number): Promise<ClusterNode>;
  primary(): Promise<MongoNode>;
  /** Undoes every fault and resolves when all nodes are in the cluster again. */
  heal(): Promise<void>;
  stop(): Promise<void>;
}

const size = 3;
const readyMs = 90_000;

/**
 * Starts a cluster of local processes on 127.0.0.1 with temporary data. A watchdog ends it if this process dies without calling `stop`.
 * Throws StackUnavailableError (missing tools and how to install them) or ServerStartError (with the server's log).
 */
export async function startCluster(options: { onProgress?: OnProgress; signal?: AbortSignal } = {}): Promise<Cluster> {
  const { onProgress = () => {}, signal } = options;
  const cacheRoot = cacheRootOf(process.env);
  const missing = await missingTools(cacheRoot, process.env);
  if (missing.length > 0) throw noWayLeft('A cluster for fault tests needs local processes.', missing);
  await using cleanup = new AsyncDisposableStack();
  const watchdog = await startWatchdog();
  cleanup.defer(() => watchdog.close());
  const dataDir = await mkdtemp(join(tmpdir(), 'notion-mirror-cluster-'));
  watchdog.removeFolder(dataDir);
  cleanup.defer(() => rm(dataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }));
  const logsDir = join(dataDir, 'logs');
  await mkdir(logsDir, { recursive: true });
  const files = await prepareProcessFiles({ cacheRoot, env: process.env, watchdog, onProgress, signal });
  const command = await reportStep(onProgress, 'Getting toxiproxy', () => toxiproxyCommand(cacheRoot, { watchdog, signal }));
  const toxiproxy = await startToxiproxy({ command, cwd: dataDir, logFile: join(logsDir, 'toxiproxy.log'), watchdog, signal });
  cleanup.defer(() => toxiproxy.kill());
  const place: Place = { dataDir, logsDir, files, watchdog, toxiproxy, signal };

  const kafka = await makeBrokers(place);
  const mongodb = await makeMongods(place);
  const started = [...kafka.nodes, ...mongodb.nodes];
  cleanup.defer(async () => {
    await Promise.all(started.map((node) => node.kill()));
  });
  await reportStep(onProgress, 'Starting three brokers and a replica set of three', () =>
    Promise.all([Promise.all(kafka.nodes.map((node) => node.start())), mongodb.startAll()]),
  );
  const registry = await makeRegistry(place, kafka.direct);
  started.push(registry.node);
  await reportStep(onProgress, 'Starting the schema registry', () => registry.node.start());

  const proxies = { kafka: kafka.proxies, mongodb: mongodb.proxies, registry: registry.proxy };
  const everything = cleanup.move();
  return {
    kafkaBrokers: kafka.proxies.map(({ port }) => `127.0.0.1:${port}`).join(','),
    schemaRegistryUrl: `http://127.0.0.1:${registry.proxy.port}/apis/ccompat/v7`,
    mongodbUri: mongodb.uri,
    direct: { kafkaBrokers: kafka.direct },
    brokers: kafka.nodes,
    mongods: mongodb.nodes,
    registry: registry.node,
    proxies,
    logsDir,
    leaderOf: kafka.leaderOf,
    primary: mongodb.primary,
    async heal() {
      await Promise.all([...proxies.kafka, ...proxies.mongodb, proxies.registry].map((proxy) => proxy.clear()));
      await Promise.all([...kafka.nodes, ...mongodb.nodes].filter(({ running }) => !running).map((node) => node.start()));
      await Promise.all([kafka.takesPart(), mongodb.takesPart()]);
      if (!registry.node.running) await registry.node.start();
    },
    stop: () => everything.disposeAsync(),
  };
}

interface Place {
  readonly dataDir: string;
  readonly logsDir: string;
  readonly files: ProcessFiles;
  readonly watchdog: Watchdog;
  readonly toxiproxy: Toxiproxy;
  readonly signal: AbortSignal | undefined;
}

/** A node from a function that starts its process. */
function nodeOf(name: string, logFile: string, launch: () => Promise<ServerProcess>): ClusterNode {
  let server: ServerProcess | null = null;
  const forgetAtEnd = async (launched: ServerProcess): Promise<void> => {
    await launched.exited;
    if (server === launched) server = null;
  };
  return {
    name,
    logFile,
    get running() {
      return server !== null;
    },
    async start() {
      if (server !== null) return;
      const launched = await launch();
      server = launched;
      void forgetAtEnd(launched);
    },
    kill: async () => server?.kill(),
    stop: async () => server?.stop(30_000),
  };
}

async function makeBrokers({ dataDir, logsDir, files, watchdog, toxiproxy, signal }: Place) {
  const plans = await Promise.all(
    Array.from({ length: size }, async (_, index) => {
      const [clients, internal, controller] = await Promise.all([freePort(), freePort(), freePort()]);
      const proxy = await toxiproxy.add(`kafka-${index + 1}`, clients);
      return { nodeId: index + 1, clients, internal, controller, proxy };
    }),
  );
  const voters = new Map(plans.map(({ nodeId, controller }) => [nodeId, `127.0.0.1:${controller}`]));
  const direct = plans.map(({ internal }) => `127.0.0.1:${internal}`).join(',');

  const nodes = plans.map(({ nodeId, clients, internal, controller, proxy }) => {
    const name = `broker ${nodeId}`;
    const folder = join(dataDir, `kafka-${nodeId}`);
    const logFile = join(logsDir, `kafka-${nodeId}.log`);
    return nodeOf(name, logFile, async () => {
      const properties = join(folder, 'server.properties');
      const tempDir = join(folder, 'tmp');
      const logDir = join(folder, 'log');
      await mkdir(tempDir, { recursive: true });
      const settings = {
        ...kafkaSettings({
          logDir,
          listeners: {
            DIRECT: { bind: `127.0.0.1:${internal}`, advertise: `127.0.0.1:${internal}` },
            CLIENTS: { bind: `127.0.0.1:${clients}`, advertise: `127.0.0.1:${proxy.port}` },
          },
          controller: `127.0.0.1:${controller}`,
          cluster: { nodeId, voters },
        }),
        ...quickToNotice,
      };
      await writeFile(
        properties,
        Object.entries(settings)
          .map(([key, value]) => `${key}=${value}\n`)
          .join(''),
      );
      // C1 only: otherwise three short-lived brokers spend half of two cores on compilation.
      const quick = ['-XX:TieredStopAtLevel=1', '-Xmx320m'];
      const flags = [...jvmFlags({ tempDir, archive: files.archives.kafka }), ...quick, '-cp', kafkaClassPath(files.kafkaFolder)];
      if (!existsSync(join(logDir, 'meta.properties'))) {
        const format = ['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', properties];
        await runCommand(files.java.command, [...flags, ...format], { signal });
      }
      const args = [...flags, 'kafka.Kafka', properties];
      const server = await startServerProcess({ name, command: files.java.command, args, cwd: folder, logFile, watchdog });
      await waitUntilReady(server, () => kafkaIsReady(`127.0.0.1:${internal}`), { timeoutMs: readyMs, signal });
      return server;
    });
  });

  const withAdmin = async <T>(use: (admin: ReturnType<Kafka['admin']>) => Promise<T>): Promise<T> => {
    const admin = new Kafka({ brokers: direct.split(','), logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    try {
      return await use(admin);
    } finally {
      await admin.disconnect();
    }
  };

  async function leaderOf(topic: string, partition: number): Promise<ClusterNode> {
    const { topics } = await withAdmin((admin) => admin.fetchTopicMetadata({ topics: [topic] }));
    const leader = topics[0]?.partitions.find(({ partitionId }) => partitionId === partition)?.leader ?? -1;
    const node = nodes[leader - 1];
    if (node === undefined) throw new Error(`partition ${partition} of ${topic} has no leader`);
    return node;
  }

  /** Resolves when every replica of every partition is in sync. */
  async function takesPart(): Promise<void> {
    await waitUntil(
      'the brokers',
      () =>
        withAdmin(async (admin) => {
          const { brokers } = await admin.describeCluster();
          const { topics } = await admin.fetchTopicMetadata();
          const partitions = topics.flatMap((topic) => topic.partitions);
          return brokers.length === size && partitions.every(({ isr, replicas, leader }) => leader >= 0 && isr.length === replicas.length);
        }),
      { timeoutMs: readyMs, signal },
    );
  }

  return { nodes, direct, proxies: plans.map(({ proxy }) => proxy), leaderOf, takesPart };
}

/** Shorter timeouts than in production, still long enough for a machine with two busy cores. */
const quickToNotice = {
  'broker.session.timeout.ms': '6000',
  'broker.heartbeat.interval.ms': '1000',
  'replica.lag.time.max.ms': '6000',
  'controller.quorum.election.timeout.ms': '1000',
  'controller.quorum.fetch.timeout.ms': '4000',
  'unclean.leader.election.enable': 'false',
};

async function makeMongods({ dataDir, logsDir, files, watchdog, toxiproxy, signal }: Place) {
  const plans = await Promise.all(
    Array.from({ length: size }, async (_, index) => {
      const port = await freePort();
      return { name: `mongod ${index + 1}`, index, port, proxy: await toxiproxy.add(`mongodb-${index + 1}`, port) };
    }),
  );
  const members = plans.map(({ index, proxy }) => ({ _id: index, host: `127.0.0.1:${proxy.port}` }));
  const uri = `mongodb://${members.map(({ host }) => host).join(',')}/?replicaSet=${replicaSetName}`;

  const nodes = plans.map(({ name, index, port }): MongoNode => {
    const folder = join(dataDir, `mongodb-${index + 1}`);
    const logFile = join(logsDir, `mongodb-${index + 1}.log`);
    const node = nodeOf(name, logFile, async () => {
      await mkdir(folder, { recursive: true });
      const args = [...mongodArguments(port, 0.25), '--bind_ip', '127.0.0.1', '--dbpath', folder, '--nounixsocket'];
      const server = await startServerProcess({ name, command: files.mongodCommand, args, cwd: folder, logFile, watchdog });
      await waitUntilReady(server, async () => (await ask(port, { hello: 1 }))['ok'] === 1, { timeoutMs: readyMs, signal });
      return server;
    });
    const stepDown = async () => void (await ask(port, { replSetStepDown: 10, secondaryCatchUpPeriodSecs: 5 }));
    return Object.defineProperties({ stepDown }, Object.getOwnPropertyDescriptors(node)) as MongoNode;
  });

  async function primary(): Promise<MongoNode> {
    let found: MongoNode | undefined;
    await waitUntil(
      'a primary of the replica set',
      async () => {
        const states = await Promise.all(plans.map(({ port }) => ask(port, { hello: 1 }).catch(() => null)));
        found = nodes[states.findIndex((state) => state?.['isWritablePrimary'] === true)];
        return found !== undefined;
      },
      { timeoutMs: readyMs, signal },
    );
    if (found === undefined) throw new Error('the replica set has no primary');
    return found;
  }

  async function takesPart(): Promise<void> {
    await primary();
    await waitUntil(
      'the members of the replica set',
      async () => {
        const states = await Promise.all(plans.map(({ port }) => ask(port, { hello: 1 })));
        return states.every((state) => state['isWritablePrimary'] === true || state['secondary'] === true);
      },
      { timeoutMs: readyMs, signal },
    );
  }

  async function startAll(): Promise<void> {
    await Promise.all(nodes.map((node) => node.start()));
    const settings = { electionTimeoutMillis: 3_000, heartbeatIntervalMillis: 1_000 };
    await ask(plans[0]?.port ?? 0, { replSetInitiate: { _id: replicaSetName, members, settings } });
    await takesPart();
  }

  return { nodes, uri, proxies: plans.map(({ proxy }) => proxy), primary, startAll, takesPart };
}

/** Runs a command on one member, bypassing its proxy. */
async function ask(port: number, command: Document): Promise<Document> {
  const client = new MongoClient(`mongodb://127.0.0.1:${port}/?directConnection=true`, {
    serverSelectionTimeoutMS: 2_000,
    connectTimeoutMS: 2_000,
  });
  try {
    return await client.db('admin').command(command);
  } finally {
    await client.close();
  }
}

async function makeRegistry({ dataDir, logsDir, files, watchdog, toxiproxy, signal }: Place, kafkaBrokers: string) {
  const port = await freePort();
  const proxy = await toxiproxy.add('schema-registry', port);
  const logFile = join(logsDir, 'schema-registry.log');
  const node = nodeOf('schema registry', logFile, async () => {
    const server = await startSchemaRegistry({
      folder: files.registryFolder,
      java: files.java,
      archive: files.archives.registry,
      kafkaBrokers,
      tempDir: join(dataDir, 'schema-registry'),
      logFile,
      watchdog,
      port,
      signal,
    });
    if (server.port !== port) throw new Error(`the schema registry's port ${port} was taken by another process`);
    await waitUntil('the schema registry', () => registryIsReady(`http://127.0.0.1:${port}/apis/ccompat/v7`), {
      timeoutMs: readyMs,
      signal,
    });
    return server;
  });
  return { node, proxy };
}
