import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { runCommand } from './command.ts';
import { occupy, readData, writeData } from './kept-data.ts';
import { startStack, type StackAddresses } from './stack.ts';
import { readStackRecord } from './stack-record.ts';

describe.runIf(process.env['MIRROR_TEST_DOCKER'] === '1')('the stack as containers', { timeout: 300_000 }, () => {
  test('keeps its data over a restart, on other ports when its own are taken; stop leaves no container', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'kept-docker-stack-test-'));
    onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
    const first = await startStack({ provider: 'docker', dataDir });
    onTestFinished(() => first.stop());
    const id = (await readStackRecord(dataDir))?.id ?? '';
    onTestFinished(async () => {
      await runCommand('docker', ['volume', 'rm', '-f', `notion-mirror-${id}-kafka`, `notion-mirror-${id}-mongodb`]);
    });
    const data = await writeData(first);
    expect(await containersWith(id)).toHaveLength(2);
    await first.stop();
    await first.stop();
    expect(await containersWith(id)).toEqual([]);

    const strangers = [await occupy(first.kafkaBrokers), await occupy(new URL(first.mongodbUri).port)];
    onTestFinished(() => {
      for (const stranger of strangers) stranger.close();
    });
    const second = await startStack({ dataDir });
    onTestFinished(() => second.stop());
    expect(second.provider).toBe('docker');
    expect(second.kafkaBrokers).not.toBe(first.kafkaBrokers);
    expect(await readData(second, data)).toEqual({ record: data.text, schemaType: 'enum', documents: 1 });
    await expect(startStack({ provider: 'process', dataDir })).rejects.toThrow('was made with the provider "docker"');
  });
  test('npm run stack runs until Ctrl-C, and leaves no container', async () => {
    const main = fileURLToPath(new URL('./main.ts', import.meta.url));
    const child = spawn(process.execPath, [main, '--json', '--provider', 'docker'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const exited = once(child, 'exit');
    const [line] = await once(createInterface({ input: child.stdout }), 'line');
    const { kafkaBrokers }: StackAddresses = JSON.parse(String(line));
    const port = kafkaBrokers.split(':').at(-1);
    expect(await containers(`publish=${port}`)).toHaveLength(1);
    child.kill('SIGINT');
    // Had it ended early, the exit code would differ.
    expect(await exited).toEqual([0, null]);
    expect(await containers(`publish=${port}`)).toEqual([]);
  });
});

async function containers(...filters: string[]): Promise<string[]> {
  const output = await runCommand('docker', ['ps', '-aq', ...filters.flatMap((filter) => ['--filter', filter])]);
  return output.split('\n').filter(Boolean);
}

/** Containers that use a volume of this stack. */
function containersWith(id: string): Promise<string[]> {
  return containers(`volume=notion-mirror-${id}-kafka`, `volume=notion-mirror-${id}-mongodb`);
}
