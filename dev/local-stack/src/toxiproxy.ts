import { freePort, retryTakenPort } from './ports.ts';
import { startServerProcess, waitUntilReady, type ServerProcess } from './server-process.ts';
import type { Watchdog } from './watchdog.ts';

/** A proxy between clients and one server. Every fault lasts until `clear`. */
export interface Proxy {
  readonly name: string;
  readonly port: number;
  /** Closes all connections and refuses new ones, until `restore`. */
  cut(): Promise<void>;
  restore(): Promise<void>;
  /** Delays traffic in both directions. */
  slow(latencyMs: number, jitterMs?: number): Promise<void>;
  /** Connections are accepted but carry no data. */
  hang(): Promise<void>;
  /** Connections are reset as soon as data is sent. */
  reset(): Promise<void>;
  /** Removes all faults. */
  clear(): Promise<void>;
}

export interface Toxiproxy extends ServerProcess {
  /** Adds a proxy on its own port, in front of `port` on 127.0.0.1, which need not be listening yet. */
  add(name: string, port: number): Promise<Proxy>;
}

interface Toxic {
  readonly type: 'latency' | 'timeout' | 'reset_peer';
  readonly attributes: Readonly<Record<string, number>>;
}

/** Starts toxiproxy on 127.0.0.1. Its API: https://github.com/Shopify/toxiproxy#http-api. Throws ServerStartError. */
export async function startToxiproxy(options: {
  command: string;
  cwd: string;
  logFile: string;
  watchdog: Watchdog;
  signal?: AbortSignal | undefined;
}): Promise<Toxiproxy> {
  return retryTakenPort(async () => {
    const port = await freePort();
    const api = `http://127.0.0.1:${port}`;
    const server = await startServerProcess({
      name: 'toxiproxy',
      command: options.command,
      args: ['-host', '127.0.0.1', '-port', String(port)],
      cwd: options.cwd,
      logFile: options.logFile,
      watchdog: options.watchdog,
    });
    const isReady = async () => (await fetch(`${api}/version`)).ok;
    await waitUntilReady(server, isReady, { timeoutMs: 20_000, signal: options.signal });
    return { ...server, add: (name, upstream) => addProxy(api, name, upstream) };
  });
}

async function addProxy(api: string, name: string, upstream: number): Promise<Proxy> {
  const port = await freePort();
  await call(`${api}/proxies`, 'POST', { name, listen: `127.0.0.1:${port}`, upstream: `127.0.0.1:${upstream}`, enabled: true });
  const path = `${api}/proxies/${name}`;
  const added = new Set<string>();
  const enable = (enabled: boolean) => call(path, 'POST', { listen: `127.0.0.1:${port}`, enabled });
  const add = async ({ type, attributes }: Toxic): Promise<void> => {
    for (const stream of ['upstream', 'downstream']) {
      const toxic = `${type}-${stream}`;
      if (added.has(toxic)) await call(`${path}/toxics/${toxic}`, 'DELETE');
      await call(`${path}/toxics`, 'POST', { name: toxic, type, stream, toxicity: 1, attributes });
      added.add(toxic);
    }
  };
  return {
    name,
    port,
    cut: async () => void (await enable(false)),
    restore: async () => void (await enable(true)),
    slow: (latency, jitter = 0) => add({ type: 'latency', attributes: { latency, jitter } }),
    hang: () => add({ type: 'timeout', attributes: { timeout: 0 } }),
    reset: () => add({ type: 'reset_peer', attributes: { timeout: 0 } }),
    async clear() {
      for (const toxic of added) await call(`${path}/toxics/${toxic}`, 'DELETE');
      added.clear();
      await enable(true);
    },
  };
}

async function call(url: string, method: string, body?: object): Promise<unknown> {
  const response = await fetch(url, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  const text = await response.text();
  if (!response.ok) throw new Error(`toxiproxy refuses ${method} ${new URL(url).pathname}: ${text}`);
  return text === '' ? null : JSON.parse(text);
}
