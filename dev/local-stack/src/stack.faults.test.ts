import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { runCommand } from './command.ts';
import { occupy, readData, writeData } from './kept-data.ts';
import { everythingIsCached, missingTools } from './process-files.ts';
import { startStack } from './stack.ts';
import { cacheRootOf } from './tool-cache.ts';

const patience = { timeout: 60_000, interval: 50 };

// Skipped where the stack runs in containers: these tests would be the only reason to download the servers.
const cacheRoot = cacheRootOf(process.env);
const atHand = everythingIsCached(cacheRoot) && (await missingTools(cacheRoot, process.env)).length === 0;

describe.runIf(atHand)('the stack as local processes', { timeout: 300_000 }, () => {
  test('keeps its data over a restart, on other ports when its own are taken; stop leaves no process', async () => {
    const dataDir = await temporaryFolder();
    const first = await startStack({ provider: 'process', dataDir });
    onTestFinished(() => first.stop());
    const data = await writeData(first);
    await first.stop();
    await first.stop();
    expect(await alive(first.pids)).toEqual([]);

    const strangers = [await occupy(first.kafkaBrokers), await occupy(portOf(first.mongodbUri))];
    onTestFinished(() => {
      for (const stranger of strangers) stranger.close();
    });
    // The environment may force a provider; here the data folder decides.
    vi.stubEnv('MIRROR_STACK', undefined);
    onTestFinished(() => void vi.unstubAllEnvs());
    const second = await startStack({ dataDir });
    onTestFinished(() => second.stop());
    expect(second.provider).toBe('process');
    expect(second.kafkaBrokers).not.toBe(first.kafkaBrokers);
    expect(second.mongodbUri).not.toBe(first.mongodbUri);
    expect(second.schemaRegistryUrl).toBe(first.schemaRegistryUrl);
    expect(await readData(second, data)).toEqual({ record: data.text, schemaType: 'enum', documents: 1 });
  });

  test('reports a server that ended unexpectedly, and the reason why a second stack on the same data fails', async () => {
    const dataDir = await temporaryFolder();
    const ended: string[] = [];
    const stack = await startStack({ provider: 'process', dataDir, onServerExit: (server, detail) => ended.push(`${server}: ${detail}`) });
    onTestFinished(() => stack.stop());
    await expect(startStack({ provider: 'process', dataDir })).rejects.toThrow('Another stack is running on this data folder');
    expect(ended).toEqual([]);
    process.kill(stack.pids['schemaRegistry'] ?? 0, 'SIGKILL');
    await vi.waitFor(() => expect(ended).toEqual([expect.stringContaining('Schema registry: signal SIGKILL')]), patience);
  });

  test('an aborted start leaves nothing behind', async () => {
    const temp = await temporaryFolder();
    vi.stubEnv('TMPDIR', temp);
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
    const abort = new AbortController();
    const starting = startStack({
      provider: 'process',
      signal: abort.signal,
      onProgress: (event) => {
        if (event.kind === 'begin' && event.step === 'Starting schema registry') abort.abort(new Error('enough'));
      },
    });
    await expect(starting).rejects.toThrow('enough');
    expect(await readdir(temp)).toEqual([]);
    expect(await processesNaming(temp)).toBe('');
  });
});

describe.runIf(atHand)('npm run stack', { timeout: 300_000 }, () => {
  test('ends its servers and its watchdog and removes temporary data when killed with SIGKILL', async () => {
    const { child, stack } = await runMain();
    expect(await alive(stack.pids)).toEqual(['kafka', 'schemaRegistry', 'mongodb', 'watchdog']);
    child.kill('SIGKILL');
    await vi.waitFor(async () => expect(await alive(stack.pids)).toEqual([]), patience);
    expect(existsSync(dirname(stack.logsDir))).toBe(false);
  });

  test('leaves nothing behind when killed with SIGKILL during a start', async () => {
    const dataDir = await temporaryFolder();
    const child = spawnMain('--data-dir', dataDir);
    await vi.waitFor(async () => expect(await processesNaming(dataDir)).toContain('kafka.Kafka'), patience);
    child.kill('SIGKILL');
    await vi.waitFor(async () => expect(await processesNaming(dataDir)).toBe(''), patience);
  });

  test('stops cleanly on Ctrl-C, even when pressed twice', async () => {
    const { child, stack } = await runMain();
    const exited = once(child, 'exit');
    child.kill('SIGINT');
    child.kill('SIGINT');
    expect(await exited).toEqual([0, null]);
    expect(await alive(stack.pids)).toEqual([]);
    expect(existsSync(dirname(stack.logsDir))).toBe(false);
  });
});

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kept-stack-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));
  return folder;
}

function spawnMain(...args: string[]) {
  const main = fileURLToPath(new URL('./main.ts', import.meta.url));
  const child = spawn(process.execPath, [main, '--json', '--provider', 'process', ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  return child;
}

async function runMain() {
  const child = spawnMain();
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  const stack: { pids: Record<string, number>; logsDir: string } = JSON.parse(String(line));
  return { child, stack };
}

function portOf(uri: string): string {
  return new URL(uri).port;
}

/** The names of processes that still run. A zombie does not count. */
async function alive(pids: Readonly<Record<string, number>>): Promise<string[]> {
  const running = await Promise.all(
    Object.entries(pids).map(async ([name, pid]) => {
      const state = await runCommand('ps', ['-o', 'stat=', '-p', String(pid)]).catch(() => '');
      return state === '' || state.startsWith('Z') ? [] : [name];
    }),
  );
  return running.flat();
}

async function processesNaming(text: string): Promise<string> {
  const lines = (await runCommand('ps', ['-eww', '-o', 'args='])).split('\n');
  return lines.filter((line) => line.includes(text) && !line.includes('main.ts')).join('\n');
}
