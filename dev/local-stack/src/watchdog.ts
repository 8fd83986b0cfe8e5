import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** Ends servers and removes folders when this process ends in any way, including `kill -9` or a crash. */
export type Watchdog = {
  readonly pid: number;
  /** Once the promise is fulfilled, `pid` ends with this process. */
  adopt(pid: number): Promise<void>;
  /** `pid` has ended, so its number may be reused by another process. */
  release(pid: number): void;
  /** `folder` is removed when this process ends, unless `keepFolder` is called first. */
  removeFolder(folder: string): void;
  keepFolder(folder: string): void;
  /** Makes the watchdog clean up now, and waits for it. */
  close(): Promise<void>;
};

export async function startWatchdog(): Promise<Watchdog> {
  const script = fileURLToPath(new URL('./watchdog-process.ts', import.meta.url));
  // Detached: in its own session neither Ctrl-C nor a closed terminal reaches it.
  const child = spawn(process.execPath, [script], { detached: true, stdio: ['pipe', 'ignore', 'ignore'], env: {} });
  await once(child, 'spawn');
  const { pid, stdin } = child;
  if (pid === undefined) throw new Error('The watchdog process has no pid.');
  const exited = once(child, 'exit');
  // A killed watchdog must not crash this process (EPIPE); `adopt` still fails, because its write fails.
  stdin.on('error', () => {});
  child.unref();

  function tell(word: 'adopt' | 'release' | 'remove' | 'keep', argument: string | number): Promise<void> {
    return new Promise((resolve, reject) => {
      stdin.write(`${word}\t${argument}\n`, (error) => (error ? reject(error) : resolve()));
    });
  }

  function hint(word: 'release' | 'remove' | 'keep', argument: string | number): void {
    if (stdin.writable) tell(word, argument).catch(() => {});
  }

  return {
    pid,
    adopt: (server) => tell('adopt', server),
    release: (server) => hint('release', server),
    removeFolder: (folder) => hint('remove', folder),
    keepFolder: (folder) => hint('keep', folder),
    async close() {
      stdin.end();
      if (child.exitCode === null && child.signalCode === null) {
        child.ref();
        await exited;
      }
    },
  };
}
