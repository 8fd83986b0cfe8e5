import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { createLogger } from './logger.ts';

describe('logger', () => {
  test('only allow-listed fields of an error are logged, so a client error cannot leak its request', () => {
    const lines: string[] = [];
    const logger = createLogger({ service: 'test', level: 'info', destination: { write: (line) => lines.push(line) } });
    const cause = Object.assign(new Error('socket hang up'), {
      code: 'ECONNRESET',
      config: { headers: { authorization: 'Bearer secret' } },
    });
    logger.error({ err: Object.assign(new Error('fetch failed', { cause }), { request: { token: 'secret' } }) }, 'failed');
    expect(lines.join('')).not.toContain('secret');
    const line = JSON.parse(lines[0] ?? '') as { level: string; err: { cause: { code: string } } };
    expect(line.level).toBe('error');
    expect(line.err.cause).toEqual({ type: 'Error', message: 'socket hang up', code: 'ECONNRESET' });
  });

  test('regression: a line logged during a write was lost when the process was killed; now it has left when the call returns', async () => {
    const program = `
      import { createLogger } from ${JSON.stringify(import.meta.resolve('./logger.ts'))};
      const logger = createLogger({ service: 'test', level: 'info' });
      logger.info('so long that it is written at once'.padEnd(50_000));
      logger.info('the last');
      process.kill(process.pid, 'SIGKILL');`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = (await text(child.stdout)).trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[1]).toContain('"the last"');
  });
});
