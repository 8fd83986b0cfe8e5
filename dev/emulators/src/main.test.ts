import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startReceiver } from '../test/receiver.ts';

const main = join(import.meta.dirname, 'main.ts');

function run(args: readonly string[]) {
  const child = spawn(process.execPath, [main, '--notion-port', '0', '--nango-port', '0', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const until = async (text: string) => {
    while (!output.includes(text)) await once(child.stdout, 'data');
    return output;
  };
  return { child, until, output: () => output };
}

test('runs both emulators, with active customers, until SIGTERM', { timeout: 60_000 }, async () => {
  const receiver = await startReceiver();
  const { child, until } = run(['--forward-to', receiver.url, '--customers', 'Acme Inc', '--life-interval-ms', '5', '--seed', 'x']);
  const started = JSON.parse((await until('\n}\n')).split('\n}\n')[0] + '\n}') as { notion: string; nango: string; customers: object[] };
  expect(started.customers).toMatchObject([{ name: 'Acme Inc', connections: [{ connectionId: 'acme-inc' }] }]);
  for (const url of [started.notion, started.nango]) expect((await fetch(`${url}/_control/health`)).status).toBe(200);
  await until('3 Acme Inc: ');
  await receiver.waitFor(4);
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
  await receiver.stop();
});

test('an invalid option exits with 78', { timeout: 60_000 }, async () => {
  const { child, output } = run(['--notion-settings', '{"delivery":{"maxAttempts":99}}']);
  expect(await once(child, 'close')).toEqual([78, null]);
  expect(output()).toContain('maxAttempts');
});
