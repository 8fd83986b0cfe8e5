import { setImmediate as turn } from 'node:timers/promises';
import { DeadlineError } from '@notion-mirror/service-kit/async/deadline';
import { expect, test } from 'vitest';
import { createReplaceableProducer, type KafkaProducer } from './replaceable-producer.ts';

const never = new Promise<never>(() => {});
const request = { topic: 'events', messages: [] };

/** Records the calls of each producer; `plans`: how connect and send of each end, successfully by default. */
function setUp(plans: { readonly connect?: () => Promise<void>; readonly send?: () => Promise<[]> }[] = [], deadlineMs = 3_600_000) {
  const calls: string[] = [];
  let created = 0;
  const create = (): KafkaProducer => {
    const number = created;
    created += 1;
    const note = (what: string) => calls.push(`${number} ${what}`);
    return {
      async connect() {
        note('connect');
        await plans[number]?.connect?.();
      },
      async send() {
        note('send');
        return (await plans[number]?.send?.()) ?? [];
      },
      async disconnect() {
        note('disconnect');
      },
    };
  };
  return { calls, producer: createReplaceableProducer({ create, deadlineMs }) };
}

test('one producer sends as long as nothing fails', async () => {
  const { calls, producer } = setUp();
  expect(producer.isOpen).toBe(false);
  await producer.open();
  expect(producer.isOpen).toBe(true);
  await producer.send(request);
  await producer.send(request);
  await producer.close();
  expect(calls).toEqual(['0 connect', '0 send', '0 send', '0 disconnect']);
});

test('after a failed send the next one needs a new producer', async () => {
  const { calls, producer } = setUp([{ send: () => Promise.reject(new Error('no leader')) }]);
  await producer.open();
  await expect(producer.send(request)).rejects.toThrow('no leader');
  expect(producer.isOpen).toBe(false);
  await expect(producer.send(request)).rejects.toThrow('the producer is not open');
  await producer.open();
  await producer.send(request);
  expect(calls).toEqual(['0 connect', '0 send', '0 disconnect', '1 connect', '1 send']);
});

test('a late send is given up, and its producer disconnects when the client has ended its own retries', async () => {
  const send = Promise.withResolvers<[]>();
  const { calls, producer } = setUp([{ send: () => send.promise }], 1);
  await producer.open();
  await expect(producer.send(request)).rejects.toBeInstanceOf(DeadlineError);
  expect(producer.isOpen).toBe(false);
  expect(calls).toEqual(['0 connect', '0 send']);
  send.reject(new Error('at last'));
  await turn();
  expect(calls).toEqual(['0 connect', '0 send', '0 disconnect']);
});

test('a producer that cannot connect is given up', async () => {
  const { calls, producer } = setUp([{ connect: () => Promise.reject(new Error('no broker')) }]);
  await expect(producer.open()).rejects.toThrow('no broker');
  expect(producer.isOpen).toBe(false);
  await producer.open();
  expect(calls).toEqual(['0 connect', '0 disconnect', '1 connect']);
});

test('no more than ten that hang are left behind: until one of them ends, no other is created', async () => {
  const hanging = Promise.withResolvers<void>();
  const plans = Array.from({ length: 10 }, (_, number) => ({ connect: () => (number === 0 ? hanging.promise : never) }));
  const { calls, producer } = setUp(plans, 1);
  for (let attempt = 0; attempt < 10; attempt += 1) await expect(producer.open()).rejects.toBeInstanceOf(DeadlineError);
  await expect(producer.open()).rejects.toThrow('10 earlier connections hang');
  expect(calls.at(-1)).toBe('9 connect');
  hanging.resolve();
  await turn();
  await producer.open();
  expect(calls.slice(-2)).toEqual(['0 disconnect', '10 connect']);
});
