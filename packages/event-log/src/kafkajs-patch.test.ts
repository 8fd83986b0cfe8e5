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
  scheduleRequestTimeoutCheck(): void;
  destroy(): void;
}
const RequestQueue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as new (options: object) => Queue;

const logger = { debug() {}, info() {}, warn() {}, error() {} };

function createQueue(options: object = {}) {
  const sent: number[] = [];
  const queue = new RequestQueue({
    maxInFlightRequests: null,
    requestTimeout: 1_000,
    enforceRequestTimeout: false,
    clientId: 'test',
    broker: 'test:1',
    logger,
    ...options,
  });
  const push = (correlationId: number) =>
    queue.push({ entry: { correlationId, resolve() {}, reject() {} }, expectResponse: true, sendRequest: () => sent.push(correlationId) });
  const answer = (correlationId: number) => queue.fulfillRequest({ correlationId, payload: Buffer.alloc(0), size: 0 });
  return { queue, sent, push, answer };
}

describe('the patched KafkaJS request queue', () => {
  afterEach(() => vi.useRealTimers());

  it('has no timer when no request waits', () => {
    vi.useFakeTimers();
    const { push, answer, sent } = createQueue();
    push(1);
    answer(1);
    expect(sent).toEqual([1]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('sends a request that had to wait for another one', () => {
    vi.useFakeTimers();
    const { push, answer, sent } = createQueue({ maxInFlightRequests: 1 });
    push(1);
    push(2);
    expect(sent).toEqual([1]);
    answer(1);
    expect(sent).toEqual([1, 2]);
  });

  it('sends a throttled request when the throttle is over, and then has no timer', async () => {
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

  it('rejects an unanswered request within a second of its timeout, checking once a second', async () => {
    vi.useFakeTimers();
    const isConnected = vi.fn<() => boolean>(() => true);
    const { queue } = createQueue({ requestTimeout: 10_000, enforceRequestTimeout: true, isConnected });
    const reject = vi.fn<(error: Error) => void>();
    queue.scheduleRequestTimeoutCheck();
    queue.push({ entry: { correlationId: 1, resolve() {}, reject }, expectResponse: true, sendRequest() {} });
    await vi.advanceTimersByTimeAsync(9_900);
    expect(reject).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1_200);
    expect(reject).toHaveBeenCalledOnce();
    expect(isConnected).toHaveBeenCalledTimes(11);
    queue.destroy();
  });
});

// In the released 2.2.4 a send remembers between its attempts which brokers have answered. When a partition's leadership moves to one of them, the
// partition is left out of the next attempt, and the send succeeds: acknowledged events that are on no log. Found when brokers were
// restarted one after the other (`npm run test:faults -- --only brokers-rolled`).
describe('the patched KafkaJS send', () => {
  interface FakeBroker {
    readonly nodeId: string;
    produce(request: { topicData: { partitions: { partition: number }[] }[] }): Promise<object>;
  }
  const createSendMessages = createRequire(import.meta.url)('kafkajs/src/producer/sendMessages') as (
    parts: object,
  ) => (request: { acks: number; topicMessages: { topic: string; messages: { partition: number }[] }[] }) => Promise<unknown[]>;

  /** Two partitions on two brokers. The first send to the second broker fails, and its partition is led by the first from then on. */
  function twoBrokers(afterTheMove: readonly { partitionId: number; leader: string }[]) {
    const produced: string[] = [];
    let metadata: readonly { partitionId: number; leader: string }[] = [
      { partitionId: 0, leader: 'a' },
      { partitionId: 1, leader: 'b' },
    ];
    const broker = (nodeId: string): FakeBroker => ({
      nodeId,
      produce: async ({ topicData }) => {
        const partitions = topicData.flatMap((topic) => topic.partitions.map(({ partition }) => partition));
        if (nodeId === 'b') {
          metadata = afterTheMove;
          throw Object.assign(new Error('no longer the leader'), { name: 'KafkaJSProtocolError', retriable: true });
        }
        produced.push(`${nodeId} ${partitions.join()}`);
        return {
          topics: [{ topicName: 'events', partitions: partitions.map((partition) => ({ partition, errorCode: 0, baseOffset: '0' })) }],
        };
      },
    });
    const brokers = { a: broker('a'), b: broker('b') };
    const attempts = 3;
    const send = createSendMessages({
      logger,
      partitioner: ({ message }: { message: { partition: number } }) => message.partition,
      cluster: {
        targetTopics: new Set(['events']),
        isConnected: () => true,
        refreshMetadata: async () => {},
        refreshMetadataIfNecessary: async () => {},
        addMultipleTargetTopics: async () => {},
        findTopicPartitionMetadata: () => metadata,
        findLeaderForPartitions: (_topic: string, partitions: readonly string[]) => {
          const led = metadata.filter(({ partitionId }) => partitions.includes(String(partitionId)));
          return Object.groupBy(
            led.map(({ partitionId }) => partitionId),
            (id) => metadata.find(({ partitionId }) => partitionId === id)?.leader ?? '',
          );
        },
        findBroker: async ({ nodeId }: { nodeId: 'a' | 'b' }) => brokers[nodeId],
      },
      eosManager: {
        isTransactional: () => false,
        getProducerId: () => 1,
        getProducerEpoch: () => 0,
        getSequence: () => 0,
        updateSequence() {},
        acquireBrokerLock: async () => {},
        releaseBrokerLock: async () => {},
      },
      retrier: async (attempt: (bail: (error: unknown) => never, count: number, time: number) => Promise<unknown>) => {
        for (let count = 0; ; count += 1) {
          try {
            return await attempt(
              (error) => {
                throw error;
              },
              count,
              0,
            );
          } catch (error) {
            if (count + 1 >= attempts) throw error;
          }
        }
      },
    });
    const messages = [{ partition: 0 }, { partition: 1 }];
    return { produced, result: send({ acks: -1, topicMessages: [{ topic: 'events', messages }] }) };
  }

  it('sends to a broker that has answered already and has become the leader since', async () => {
    const { produced, result } = twoBrokers([
      { partitionId: 0, leader: 'a' },
      { partitionId: 1, leader: 'a' },
    ]);
    expect(await result).toHaveLength(2);
    expect(produced).toEqual(['a 0', 'a 1']);
  });

  it('fails when a partition is missing in the metadata, instead of leaving it out', async () => {
    const { result } = twoBrokers([{ partitionId: 0, leader: 'a' }]);
    await expect(result).rejects.toThrow('A partition is missing in the metadata');
  });
});

interface Encoder {
  writeUVarInt(value: number): Encoder;
  readonly buffer: Buffer;
}
const Encoder = createRequire(import.meta.url)('kafkajs/src/protocol/encoder') as new (initialSize?: number) => Encoder;

describe('the patched KafkaJS encoder', () => {
  // It uses memory that is not zeroed, and writes numbers without a buffer for each.
  it.each([
    [0, '00'],
    [127, '7f'],
    [128, '8001'],
    [16_384, '808001'],
    [0x7f_ff_ff_ff, 'ffffffff07'],
  ])('writes %i as LEB128 and nothing else, also where it has to grow', (value, hex) => {
    for (const initialSize of [0, 1, 3, 511]) expect(new Encoder(initialSize).writeUVarInt(value).buffer.toString('hex')).toBe(hex);
    let encoder = new Encoder();
    for (let n = 0; n < 2_000; n += 1) encoder = encoder.writeUVarInt(value);
    expect(encoder.buffer.toString('hex')).toBe(hex.repeat(2_000));
  });
});

const encodeRecord = createRequire(import.meta.url)('kafkajs/src/protocol/recordBatch/record/v0') as (record: object) => Encoder;

describe('a KafkaJS record', () => {
  it('has the bytes of the released 2.2.4', () => {
    const headers = { 'mirror-ä': '1', two: ['x', Buffer.from('y')] };
    const record = encodeRecord({ offsetDelta: 300, timestampDelta: 5, key: 'wörkspace', value: Buffer.from('value'), headers });
    expect(record.buffer.toString('hex')).toBe(
      '5c000ad8041477c3b6726b73706163650a76616c756506126d6972726f722dc3a402310674776f02780674776f0279',
    );
    expect(encodeRecord({ key: null, value: null }).buffer.toString('hex')).toBe('0c000000010100');
  });
});
