import { createRequire } from 'node:module';
import { afterEach, describe, expect, it, vi } from 'vitest';

// `patches/kafkajs@2.2.4.patch`. In the released 2.2.4 the request queue of every connection arms a timer after each answer, with a
// negative delay, and that timer arms the next one, for ever: about a thousand wake-ups a second for each broker, doing nothing
// (https://github.com/tulios/kafkajs/issues/1751).

interface Request {
  entry: { correlationId: number; resolve(value: unknown): void; reject(error: Error): void };
  expectResponse: boolean;
  sendRequest(): void;
}
interface Queue {
  push(request: Request): void;
  fulfillRequest(response: { correlationId: number; payload: Buffer; size: number }): void;
  maybeThrottle(milliseconds: number): void;
  destroy(): void;
}
const RequestQueue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as new (options: object) => Queue;

const logger = { debug() {}, info() {}, warn() {}, error() {} };

function createQueue(maxInFlightRequests: number | null = null) {
  const sent: number[] = [];
  const queue = new RequestQueue({
    maxInFlightRequests,
    requestTimeout: 1_000,
    enforceRequestTimeout: false,
    clientId: 'test',
    broker: 'test:1',
    logger,
  });
  const push = (correlationId: number) =>
    queue.push({ entry: { correlationId, resolve() {}, reject() {} }, expectResponse: true, sendRequest: () => sent.push(correlationId) });
  const answer = (correlationId: number) => queue.fulfillRequest({ correlationId, payload: Buffer.alloc(0), size: 0 });
  return { queue, sent, push, answer };
}

describe('the patched KafkaJS request queue', () => {
  afterEach(() => vi.useRealTimers());

  it('has no timer when nothing waits', () => {
    vi.useFakeTimers();
    const { push, answer, sent } = createQueue();
    push(1);
    answer(1);
    expect(sent).toEqual([1]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('sends a request that had to wait for another one', () => {
    vi.useFakeTimers();
    const { push, answer, sent } = createQueue(1);
    push(1);
    push(2);
    expect(sent).toEqual([1]);
    answer(1);
    expect(sent).toEqual([1, 2]);
  });

  it('sends a throttled request when the throttle is over, and is quiet then', async () => {
    vi.useFakeTimers();
    const { queue, push, answer, sent } = createQueue();
    queue.maybeThrottle(500);
    push(1);
    await vi.advanceTimersByTimeAsync(499);
    expect(sent).toEqual([]);
    await vi.advanceTimersByTimeAsync(2);
    expect(sent).toEqual([1]);
    answer(1);
    await vi.advanceTimersByTimeAsync(50);
    expect(vi.getTimerCount()).toBe(0);
  });
});
