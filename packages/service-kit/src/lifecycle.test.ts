import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { rmSync } from 'node:fs';

const directory = mkdtempSync(join(import.meta.dirname, '.lifecycle-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Runs a tiny service in a process of its own and collects its log lines. */
function serviceOf(
  name: string,
  body: string,
  shutdownMs = 5_000,
): { child: ChildProcess; lines: string[]; logged: (text: string) => Promise<void> } {
  const file = join(directory, `${name}.ts`);
  writeFileSync(
    file,
    `import { createLogger } from '../logger.ts';
import { runService } from '../lifecycle.ts';
const logger = createLogger({ service: 'test', level: 'info' });
setInterval(() => {}, 1000);
runService({ name: 'test', logger, shutdownMs: ${shutdownMs} }, async (scope) => { ${body} });
`,
  );
  const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  let notify: (() => void) | null = null;
  child.stdout?.on('data', (chunk: Buffer) => {
    lines.push(...chunk.toString().split('\n').filter(Boolean));
    notify?.();
  });
  const logged = async (text: string) => {
    while (!lines.some((line) => line.includes(text))) await new Promise<void>((resolve) => (notify = resolve));
  };
  return { child, lines, logged };
}

describe('runService', () => {
  test('SIGTERM stops the parts in reverse order and exits 0', async () => {
    const { child, lines, logged } = serviceOf(
      'ordered',
      `scope.onStop('first', () => logger.info('first stopped')); scope.onStop('second', () => logger.info('second stopped'));`,
    );
    await logged('"started"');
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
    const order = lines.map((line) => JSON.parse(line).msg).filter((msg: string) => msg.endsWith(' stopped'));
    expect(order).toEqual(['second stopped', 'first stopped']);
  });

  test('a start that fails half-way stops the parts that had started and exits 1', async () => {
    const { child, lines } = serviceOf('half', `scope.onStop('first', () => logger.info('first stopped')); throw new Error('no luck');`);
    expect(await once(child, 'exit')).toEqual([1, null]);
    expect(lines.join('\n')).toContain('no luck');
    expect(lines.join('\n')).toContain('first stopped');
  });

  test('a part that hangs does not keep the process alive beyond the deadline', async () => {
    const { child, lines, logged } = serviceOf('hanging', `scope.onStop('stuck part', () => new Promise(() => {}));`, 200);
    await logged('"started"');
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([1, null]);
    expect(lines.join('\n')).toContain('stuck part');
  });

  test('an unhandled rejection is fatal', async () => {
    const { child, lines } = serviceOf('rejection', `void Promise.reject(new Error('not caught'));`);
    expect(await once(child, 'exit')).toEqual([1, null]);
    expect(lines.join('\n')).toContain('not caught');
  });
});
