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

/** Where a test's own servers run: as local processes, or in containers where only those are possible (or MIRROR_STACK says so). */
export interface ServerRuntime {
  /** The host name by which this machine reaches the servers. */
  readonly host: string;
  /** The address servers must bind to be reachable at `host`. */
  readonly bind: string;
  /** The beginning of a command line that runs a Kafka class. */
  readonly kafka: readonly string[];
  readonly mongod: string;
  /**
   * Runs a shell script whose last command is the server. It sees `folder` under the same path, as a copy or in place.
   * `ports` are reachable from this machine. Resolves as soon as the script runs.
   */
  start(server: { name: 'kafka' | 'mongodb'; script: string; folder: string; ports: readonly number[] }): Promise<RunningServer>;
}

export interface RunningServer {
  /** The server's output, for the message of a failed start. */
  readonly logFile: string;
  readonly exited: Promise<unknown>;
  kill(): Promise<void>;
}

/** Rejects with StackUnavailableError, which names the missing tools. */
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
        // The caller has its own readiness check.
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
