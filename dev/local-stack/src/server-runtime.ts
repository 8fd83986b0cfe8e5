import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { findDocker, images, prepareImages } from './docker-engine.ts';
import { jvmFlags } from './jvm.ts';
import { kafkaClassPath } from './kafka-files.ts';
import { missingTools, prepareProcessFiles } from './process-files.ts';
import { chooseProvider, providerFromEnvironment } from './provider-choice.ts';
import { startServerProcess } from './server-process.ts';
import { cacheRootOf } from './tool-cache.ts';
import type { Watchdog } from './watchdog.ts';

/** Where a test's own servers run: as processes of this machine, or in containers where that is all there is (or MIRROR_STACK says so). */
export interface ServerRuntime {
  /** By which this machine reaches the servers. */
  readonly host: string;
  /** What servers bind to, so that `host` reaches them. */
  readonly bind: string;
  /** The beginning of a command line that runs a class of Kafka's. */
  readonly kafka: readonly string[];
  readonly mongod: string;
  /**
   * Runs a shell script whose last command is the server. It sees `folder` under the same path, as its own copy or as it is.
   * `ports` are reachable from this machine. Resolves as soon as it runs.
   */
  start(server: { name: 'kafka' | 'mongodb'; script: string; folder: string; ports: readonly number[] }): Promise<RunningServer>;
}

export interface RunningServer {
  /** Everything it wrote, for the message of a failed start. */
  readonly logFile: string;
  readonly exited: Promise<unknown>;
  kill(): Promise<void>;
}

/** Rejects with StackUnavailableError, which says what this machine lacks. */
export async function openServerRuntime(watchdog: Watchdog): Promise<ServerRuntime> {
  const cacheRoot = cacheRootOf(process.env);
  const missing = await missingTools(cacheRoot, process.env);
  const wanted = providerFromEnvironment(process.env) ?? (missing.length === 0 ? 'process' : undefined);
  const docker = wanted === 'process' ? ({ answers: false } as const) : await findDocker();
  chooseProvider({ wanted, dockerAnswers: docker.answers, missing });
  return docker.answers ? inContainers(docker.client) : asProcesses(cacheRoot, watchdog);
}

async function asProcesses(cacheRoot: string, watchdog: Watchdog): Promise<ServerRuntime> {
  const files = await prepareProcessFiles({ cacheRoot, env: process.env, watchdog, onProgress: () => {} });
  const tempDir = '"$TMPDIR"';
  return {
    host: '127.0.0.1',
    bind: '127.0.0.1',
    kafka: [files.java.command, ...jvmFlags({ tempDir, archive: files.archives.kafka }), '-cp', `'${kafkaClassPath(files.kafkaFolder)}'`],
    mongod: files.mongodCommand,
    async start({ name, script, folder }) {
      await mkdir(join(folder, 'tmp'), { recursive: true });
      return startServerProcess({
        name,
        command: '/bin/sh',
        args: ['-ec', script],
        env: { TMPDIR: join(folder, 'tmp') },
        cwd: folder,
        logFile: join(folder, `${name}.log`),
        watchdog,
      });
    },
  };
}

type DockerClient = Extract<Awaited<ReturnType<typeof findDocker>>, { answers: true }>['client'];

async function inContainers(client: DockerClient): Promise<ServerRuntime> {
  const { GenericContainer } = await import('testcontainers');
  const { createWriteStream } = await import('node:fs');
  await prepareImages(client, () => {});
  const { host } = client.info.containerRuntime;
  return {
    host: host === 'localhost' ? '127.0.0.1' : host,
    bind: '0.0.0.0',
    kafka: ['java', '-Xmx512m', '-cp', "'/opt/kafka/libs/*'"],
    mongod: 'mongod',
    async start({ name, script, folder, ports }) {
      const logFile = join(folder, `${name}.log`);
      const ended = Promise.withResolvers<void>();
      const started = await new GenericContainer(images[name])
        .withUser('root')
        .withCopyDirectoriesToContainer([{ source: folder, target: folder }])
        .withEntrypoint(['/bin/sh', '-ec'])
        .withCommand([`cd '${folder}'\n${script}`])
        .withExposedPorts(...ports.map((port) => ({ container: port, host: port })))
        .withLogConsumer((stream) => {
          stream.pipe(createWriteStream(logFile));
          stream.once('end', ended.resolve);
        })
        // Whoever asked for it knows when it is ready.
        .withWaitStrategy({
          waitUntilReady: () => Promise.resolve(),
          withStartupTimeout() {
            return this;
          },
          isStartupTimeoutSet: () => true,
          getStartupTimeout: () => 60_000,
        })
        .start();
      return {
        logFile,
        exited: ended.promise,
        kill: async () => void (await started.stop({ timeout: 0, remove: true, removeVolumes: true })),
      };
    },
  };
}
