import { describe, expect, test } from 'vitest';
import { createLogger } from './logger.ts';

describe('logger', () => {
  test('an error is logged by an allow-list of fields, so that a client error cannot carry its request along', () => {
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
});
