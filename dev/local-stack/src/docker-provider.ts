import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContainerRuntimeClient, GenericContainer, StartedTestContainer, WaitStrategy } from 'testcontainers';
import { images, prepareImages } from './docker-engine.ts';
import { kafkaSettings } from './kafka-settings.ts';
import { mongodArguments, mongodbUri } from './mongod.ts';
import { freePort, retryTakenPort } from './ports.ts';
import { reportStep } from './progress.ts';
import type { ProviderOptions, Stack } from './provider.ts';
import { kafkaIsReady, registryIsReady, replicaSetIsReady } from './ready-checks.ts';
import { registryEnvironment, registryUrl } from './schema-registry.ts';
import { ServerStartError } from './server-process.ts';
import { sideBySide } from './side-by-side.ts';
import { newStackRecord, readStackRecord, writeStackRecord } from './stack-record.ts';
import { waitUntil } from './wait-until.ts';

const insideNetwork = { host: 'kafka', port: 19_092 };
const goodbyeMs = 15_000;

/**
 * Starts the three servers as containers. Kept data is in named volumes, whose names are recorded in `dataDir/stack.json`.
 * If this process dies without calling `stop`, testcontainers' reaper removes the containers.
 */
export async function startDockerStack(options: ProviderOptions & { client: ContainerRuntimeClient }): Promise<Stack> {
  const { dataDir, keepData, onProgress, client } = options;
  const { GenericContainer, Network } = await import('testcontainers');
  await using cleanup = new AsyncDisposableStack();
  if (!keepData) cleanup.defer(() => rm(dataDir, { recursive: true, force: true }));
  await prepareImages(client, onProgress, options.signal);
  const logsDir = join(dataDir, 'logs');
  await mkdir(logsDir, { recursive: true });
  const known = (await readStackRecord(dataDir)) ?? newStackRecord('docker');
  const host = client.info.containerRuntime.host === 'localhost' ? '127.0.0.1' : client.info.containerRuntime.host;

  const network = await new Network().start();
  cleanup.defer(async () => {
    await network.stop();
  });
  const running: { name: string; container: StartedTestContainer }[] = [];
  const end = async ({ container }: (typeof running)[number]) => {
    await container.stop({ timeout: keepData ? goodbyeMs : 0, remove: true, removeVolumes: true });
  };
  let up = false;
  let stopping = false;
  cleanup.defer(async () => {
    stopping = true;
    await Promise.all(running.filter(({ name }) => name === 'schema registry').map(end));
    await Promise.all(running.filter(({ name }) => name !== 'schema registry').map(end));
  });

  function volume(name: string, target: string): { source: string; target: string }[] {
    return keepData ? [{ source: `notion-mirror-${known.id}-${name}`, target }] : [];
  }

  /** `configure` gets the port to publish: the same inside and outside, because these servers advertise their own address. */
  async function start(server: {
    name: string;
    image: string;
    wantedPort: number | undefined;
    configure: (container: GenericContainer, port: number) => GenericContainer;
    check: (port: number) => Promise<boolean>;
    signal: AbortSignal;
  }): Promise<number> {
    const { name, signal } = server;
    const logFile = join(logsDir, `${name.replace(' ', '-').toLowerCase()}.log`);
    const attemptStart = async (attempt: number) => {
      const port = await freePort(attempt === 0 ? server.wantedPort : undefined);
      const container = server
        .configure(new GenericContainer(server.image).withNetwork(network), port)
        .withLogConsumer((stream) => {
          stream.pipe(createWriteStream(logFile));
          stream.once('end', () => {
            if (up && !stopping) options.onServerExit(name, `its container ended; its log is ${logFile}`);
          });
        })
        .withWaitStrategy(readyWhen(name, () => server.check(port), signal));
      const started = await container.start().catch((cause: unknown) => {
        signal.throwIfAborted();
        throw new ServerStartError(
          `${name} did not start; its log is ${logFile}.`,
          cause instanceof Error ? cause.message : String(cause),
          { cause },
        );
      });
      running.push({ name, container: started });
      return port;
    };
    return reportStep(
      onProgress,
      `Starting ${name}`,
      () => retryTakenPort(attemptStart),
      (port) => `${host}:${port}`,
    );
  }

  const [[kafkaPort, registryPort], mongodbPort] = await sideBySide(options.signal, (signal) => {
    const startKafkaAndRegistry = async () => {
      const kafka = await start({
        name: 'Kafka',
        image: images.kafka,
        wantedPort: known.ports.kafka,
        signal,
        configure: (container, port) =>
          container
            .withNetworkAliases(insideNetwork.host)
            .withExposedPorts({ container: port, host: port })
            .withBindMounts(volume('kafka', kafkaDataFolder))
            .withEnvironment(kafkaEnvironment(host, port)),
        check: (port) => kafkaIsReady(`${host}:${port}`),
      });
      const registry = await start({
        name: 'schema registry',
        image: images.schemaRegistry,
        wantedPort: known.ports.schemaRegistry,
        signal,
        configure: (container, port) =>
          container.withExposedPorts({ container: 8080, host: port }).withEnvironment({
            ...registryEnvironment(`${insideNetwork.host}:${insideNetwork.port}`),
            JAVA_TOOL_OPTIONS: '-Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1',
          }),
        check: (port) => registryIsReady(registryUrl(host, port)),
      });
      return [kafka, registry] as const;
    };
    const startDatabase = () =>
      start({
        name: 'MongoDB',
        image: images.mongodb,
        wantedPort: known.ports.mongodb,
        signal,
        configure: (container, port) =>
          container
            .withExposedPorts({ container: port, host: port })
            .withBindMounts(volume('mongodb', '/data/db'))
            .withCommand(['mongod', ...mongodArguments(port), '--bind_ip_all']),
        check: (port) => replicaSetIsReady(host, port),
      });
    return [startKafkaAndRegistry(), startDatabase()];
  });

  await writeStackRecord(dataDir, { ...known, ports: { kafka: kafkaPort, schemaRegistry: registryPort, mongodb: mongodbPort } });
  up = true;
  const everything = cleanup.move();
  let stopped: Promise<void> | null = null;
  return {
    provider: 'docker',
    kafkaBrokers: `${host}:${kafkaPort}`,
    schemaRegistryUrl: registryUrl(host, registryPort),
    mongodbUri: mongodbUri(host, mongodbPort),
    logsDir,
    pids: {},
    stop: () => (stopped ??= everything.disposeAsync()),
  };
}

const kafkaDataFolder = '/var/lib/kafka/data';

/** The image reads KAFKA_FOO_BAR as foo.bar. */
function kafkaEnvironment(host: string, port: number): Record<string, string> {
  const settings = kafkaSettings({
    logDir: kafkaDataFolder,
    listeners: {
      DOCKER: { bind: `0.0.0.0:${insideNetwork.port}`, advertise: `${insideNetwork.host}:${insideNetwork.port}` },
      HOST: { bind: `0.0.0.0:${port}`, advertise: `${host}:${port}` },
    },
    controller: 'localhost:9093',
  });
  const variables = Object.entries(settings).map(([name, value]) => [`KAFKA_${name.toUpperCase().replaceAll('.', '_')}`, value]);
  return { ...Object.fromEntries(variables), KAFKA_HEAP_OPTS: '-Xmx512m', CLUSTER_ID: '5L6g3nShT-eMCtK--X86sw' };
}

/** Our own readiness check instead of testcontainers', which tests ports. A container that has ended fails it at once. */
function readyWhen(name: string, check: () => Promise<boolean>, signal: AbortSignal): WaitStrategy {
  return {
    async waitUntilReady(container) {
      await waitUntil(name, check, {
        timeoutMs: 120_000,
        signal,
        failure: async () => {
          const { State: state } = await container.inspect();
          return state.Running ? null : new Error(`the container ended with exit code ${state.ExitCode}`);
        },
      });
    },
    withStartupTimeout() {
      return this;
    },
    isStartupTimeoutSet: () => true,
    getStartupTimeout: () => 120_000,
  };
}
