import type { LogLine, ServiceName, ServiceProcess } from '@notion-mirror/demo/service-process';
import type { System } from '@notion-mirror/demo/system';

/** The service processes of one scenario. Unexpected exits are recorded as complaints. */
export interface Services {
  start(name: ServiceName): Promise<ServiceProcess>;
  running(name?: ServiceName): readonly ServiceProcess[];
  /** kill -9 of every process of that name. */
  kill(name: ServiceName): Promise<void>;
  /** Sends SIGTERM. A nonzero exit is recorded as a complaint; a service that stops too slowly exits with 1. */
  stop(process: ServiceProcess): Promise<void>;
  /** Starts the named services that are not running. */
  startMissing(names: readonly ServiceName[]): Promise<void>;
  /** One sentence for each process that ended unexpectedly or in the wrong way. The caller empties it after reporting. */
  readonly complaints: string[];
  /** The largest resident memory seen, in bytes, by service. The caller empties it too. */
  readonly maxRss: Map<ServiceName, number>;
  /** Stops watching. The processes keep running. */
  close(): void;
}

const sampleMs = 1_000;

export function createServices(system: Pick<System, 'start'>): Services {
  const running = new Set<ServiceProcess>();
  const ours = new Set<ServiceProcess>();
  const complaints: string[] = [];
  const maxRss = new Map<ServiceName, number>();

  const sampling = setInterval(() => {
    for (const { name, opsUrl } of running) {
      void noteRss(name, opsUrl);
    }
  }, sampleMs);

  async function start(name: ServiceName): Promise<ServiceProcess> {
    const service = await system.start(name);
    running.add(service);
    void watchOver(service);
    return service;
  }

  async function watchOver(service: ServiceProcess): Promise<void> {
    const { code, signal } = await service.exited;
    running.delete(service);
    if (!ours.has(service)) complaints.push(`${service.name} (pid ${service.pid}) ended unexpectedly: ${signal ?? `exit code ${code}`}`);
  }

  async function noteRss(name: ServiceName, opsUrl: string): Promise<void> {
    const bytes = await rssOf(opsUrl);
    if (bytes !== null) maxRss.set(name, Math.max(bytes, maxRss.get(name) ?? 0));
  }

  async function stop(service: ServiceProcess): Promise<void> {
    ours.add(service);
    const { code, signal } = await service.stop();
    if (code !== 0) complaints.push(`${service.name} answered SIGTERM with ${signal ?? `exit code ${code}`}`);
  }

  const named = (name?: ServiceName) => [...running].filter((service) => name === undefined || service.name === name);
  return {
    start,
    stop,
    running: named,
    kill: async (name) => {
      await Promise.all(
        named(name).map((service) => {
          ours.add(service);
          return service.kill();
        }),
      );
    },
    startMissing: async (names) => {
      await Promise.all(names.filter((name) => named(name).length === 0).map(start));
    },
    complaints,
    maxRss,
    close: () => clearInterval(sampling),
  };
}

async function rssOf(opsUrl: string): Promise<number | null> {
  try {
    const response = await fetch(`${opsUrl}/metrics`, { signal: AbortSignal.timeout(2_000) });
    const found = /^notion_mirror_process_resident_memory_bytes(?:\{[^}]*\})? (\S+)$/m.exec(await response.text());
    return found?.[1] === undefined ? null : Number(found[1]);
  } catch {
    return null;
  }
}

/** Whether a line is worth showing when a scenario fails. */
export function isWarning({ level }: LogLine): boolean {
  return level === 'warn' || level === 'error' || level === 'fatal';
}
