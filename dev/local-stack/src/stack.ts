import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { findDocker, ImageUnavailableError, prepareImages, type DockerState } from './docker-engine.ts';
import { startDockerStack } from './docker-provider.ts';
import { missingTools, prepareProcessFiles } from './process-files.ts';
import { startProcessStack } from './process-provider.ts';
import type { OnProgress } from './progress.ts';
import type { Provider, Stack, StackAddresses } from './provider.ts';
import { chooseProvider, noWayLeft, providerFromEnvironment } from './provider-choice.ts';
import { StackUnavailableError } from './stack-unavailable.ts';
import { readStackRecord } from './stack-record.ts';
import { cacheRootOf } from './tool-cache.ts';
import { startWatchdog } from './watchdog.ts';

export type { Provider, Stack, StackAddresses };

export type StackOptions = {
  /** Default: MIRROR_STACK, else the provider that created `dataDir`, else Docker where an engine answers, else local processes. */
  provider?: Provider | undefined;
  /** Folder for kept data; existing data is reused. Default: a temporary folder, removed at `stop`. */
  dataDir?: string | undefined;
  onProgress?: OnProgress | undefined;
  /** Called when a server ends unexpectedly. */
  onServerExit?: ((server: string, detail: string) => void) | undefined;
  /** Aborts the start: everything started so far is ended before the promise rejects. */
  signal?: AbortSignal | undefined;
  /** Of local processes: an address of this machine, where they listen and say that they are. Default: 127.0.0.1. */
  host?: string | undefined;
};

/**
 * Starts Kafka, the schema registry and MongoDB (as a replica set) in parallel, and waits until each of them answers.
 * Throws StackUnavailableError (missing tools and how to install them) or ServerStartError (with the server's log).
 */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const dataDir = options.dataDir === undefined ? undefined : resolve(options.dataDir);
  const common = {
    keepData: dataDir !== undefined,
    onProgress: options.onProgress ?? (() => {}),
    onServerExit: options.onServerExit ?? (() => {}),
    signal: options.signal,
    host: options.host,
  };
  return withProvider(options, {
    docker: async (client) => startDockerStack({ ...common, client, dataDir: await folder(dataDir) }),
    process: async (cacheRoot) => startProcessStack({ ...common, cacheRoot, env: process.env, dataDir: await folder(dataDir) }),
  });
}

/** Fetches everything `startStack` would, without starting anything. Returns the provider. */
export async function prefetchStack(options: Pick<StackOptions, 'provider' | 'onProgress' | 'signal'> = {}): Promise<Provider> {
  const onProgress = options.onProgress ?? (() => {});
  return withProvider<Provider>(options, {
    async docker(client) {
      await prepareImages(client, onProgress, options.signal);
      return 'docker';
    },
    async process(cacheRoot) {
      const watchdog = await startWatchdog();
      try {
        await prepareProcessFiles({ cacheRoot, env: process.env, watchdog, onProgress, signal: options.signal });
        return 'process';
      } finally {
        await watchdog.close();
      }
    },
  });
}

async function folder(dataDir: string | undefined): Promise<string> {
  if (dataDir === undefined) return mkdtemp(join(tmpdir(), 'notion-mirror-stack-'));
  await mkdir(dataDir, { recursive: true });
  return dataDir;
}

type DockerClient = Extract<DockerState, { answers: true }>['client'];

async function withProvider<T>(
  options: StackOptions,
  use: { docker: (client: DockerClient) => Promise<T>; process: (cacheRoot: string) => Promise<T> },
): Promise<T> {
  const wanted = await wantedProvider(options);
  const cacheRoot = cacheRootOf(process.env);
  const docker: DockerState = wanted === 'process' ? { answers: false } : await findDocker();
  if (docker.answers) {
    try {
      return await use.docker(docker.client);
    } catch (error) {
      if (wanted === 'docker' || !(error instanceof ImageUnavailableError)) throw error;
      const missing = await missingTools(cacheRoot, process.env);
      if (missing.length > 0) throw noWayLeft(error.message, missing);
      options.onProgress?.({ kind: 'note', text: `${error.message}\nUsing local processes instead.` });
      return use.process(cacheRoot);
    }
  }
  chooseProvider({ wanted, dockerAnswers: false, missing: wanted === 'docker' ? [] : await missingTools(cacheRoot, process.env) });
  return use.process(cacheRoot);
}

async function wantedProvider(options: StackOptions): Promise<Provider | undefined> {
  const asked = options.provider ?? providerFromEnvironment(process.env);
  const made = options.dataDir === undefined ? null : await readStackRecord(options.dataDir);
  if (made && asked && made.provider !== asked) {
    throw new StackUnavailableError(
      `The data in ${options.dataDir} was made with the provider "${made.provider}"; "${asked}" cannot read it. Use another folder or that provider.`,
    );
  }
  return asked ?? made?.provider;
}
