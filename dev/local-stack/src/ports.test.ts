import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { acceptsConnections, freePort, retryTakenPort } from './ports.ts';
import { ServerStartError } from './server-process.ts';

describe('ports', () => {
  test('the preferred port is given when it is free, another one when it is not', async () => {
    const wish = await freePort();
    expect(await freePort(wish)).toBe(wish);
    const server = createServer().listen(wish, '127.0.0.1');
    await once(server, 'listening');
    try {
      expect(await acceptsConnections('127.0.0.1', wish)).toBe(true);
      expect(await freePort(wish)).not.toBe(wish);
    } finally {
      server.close();
    }
    await once(server, 'close');
    expect(await acceptsConnections('127.0.0.1', wish)).toBe(false);
  });

  test('ports are outside the ephemeral range, and none is given twice', async () => {
    const ports = await Promise.all(Array.from({ length: 100 }, () => freePort()));
    expect(new Set(ports).size).toBe(100);
    expect(Math.max(...ports)).toBeLessThan(32_768);
  });

  test('a server that found its port taken is started again, and gets the attempt number', async () => {
    const attempts: number[] = [];
    const started = await retryTakenPort(async (attempt) => {
      attempts.push(attempt);
      if (attempt < 2) throw new ServerStartError('Kafka ended', 'java.net.BindException: Address already in use');
      return 'up';
    });
    expect(started).toBe('up');
    expect(attempts).toEqual([0, 1, 2]);
  });

  test('it gives up after a few attempts, and at once on any other error', async () => {
    let attempts = 0;
    const taken = retryTakenPort(async () => {
      attempts += 1;
      throw new ServerStartError('MongoDB ended', 'Failed to set up listener: Address already in use');
    });
    await expect(taken).rejects.toThrow('MongoDB ended');
    expect(attempts).toBe(4);
    attempts = 0;
    const broken = retryTakenPort(async () => {
      attempts += 1;
      throw new ServerStartError('MongoDB ended', 'No space left on device');
    });
    await expect(broken).rejects.toThrow('No space left on device');
    expect(attempts).toBe(1);
  });
});
