import { describe, expect, onTestFinished, test } from 'vitest';
import { createLogger } from './logger.ts';
import { createMetrics } from './metrics.ts';
import { startOperations } from './operations.ts';
import { tracingOff } from './tracing/tracing.ts';

async function operationsOfAService(isFatal?: (error: unknown) => boolean) {
  const aborter = new AbortController();
  const stops: (() => Promise<void> | void)[] = [];
  onTestFinished(async () => {
    for (const stop of stops) await stop();
  });
  const operations = await startOperations({
    service: 'test',
    tracing: tracingOff,
    ops: { host: '127.0.0.1', port: 0 },
    metrics: createMetrics('test'),
    logger: createLogger({ service: 'test', level: 'silent' }),
    scope: { onStop: (_name, stop) => stops.push(stop), fatal: () => {}, signal: aborter.signal },
    ...(isFatal === undefined ? {} : { isFatal }),
  });
  const ask = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${operations.port}${path}`);
    return { status: answer.status, body: await answer.json() };
  };
  return { operations, ask, stopping: () => aborter.abort(new Error('stopping')) };
}

describe('the operations of a service', () => {
  test('while it waits it is live but not ready and names what it waits for; a step is retried until it succeeds', async () => {
    const { operations, ask } = await operationsOfAService();
    let attempts = 0;
    const waited = operations.available('Kafka', async () => {
      attempts += 1;
      expect(await ask('/livez')).toMatchObject({ status: 200 });
      expect(await ask('/readyz')).toEqual({ status: 503, body: { status: 'unavailable', state: 'starting', waitingFor: 'Kafka' } });
      if (attempts < 2) throw new Error('not yet');
      return 'there';
    });
    expect(await waited).toBe('there');
    expect(attempts).toBe(2);
  });

  test('a fatal error is not retried', async () => {
    const { operations } = await operationsOfAService((error) => error instanceof TypeError);
    await expect(operations.available('MongoDB', () => Promise.reject(new TypeError('misconfigured')))).rejects.toThrow('misconfigured');
  });

  test('once started it reports its own health, and while stopping it is not ready', async () => {
    const { operations, ask, stopping } = await operationsOfAService();
    operations.started({ ready: () => ({ ok: true, detail: { state: 'running' } }) });
    expect(await ask('/readyz')).toMatchObject({ status: 200, body: { state: 'running' } });
    stopping();
    expect(await ask('/readyz')).toMatchObject({ status: 503, body: { state: 'stopping' } });
    await expect(operations.available('anything', () => Promise.resolve())).rejects.toThrow('stopping');
  });
});
