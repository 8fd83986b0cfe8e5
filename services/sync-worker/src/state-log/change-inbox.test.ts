import { expect, test } from 'vitest';
import type { StateRecord } from '@notion-mirror/event-log/state-record';
import type { ChangePosition } from '@notion-mirror/mirror-store/state-log-progress';
import { createChangeInbox } from './change-inbox.ts';

const position = (n: number): ChangePosition => ({ kind: 'after', token: { n } });

/** An inbox whose batch is full with two records. */
function inbox() {
  let records: StateRecord[] = [];
  const batch = {
    isFull: () => records.length >= 2,
    oldest: () => (records.length === 0 ? null : new Date(0)),
    take: () => records.splice(0),
  };
  const add = (key: string) => void (records = [...records, { key, value: null, headers: {} }]);
  return { ...createChangeInbox(batch), add };
}

const keysOf = (taken: { records: readonly StateRecord[] } | null) => taken?.records.map(({ key }) => key);

test('changes are taken together, with the position after them', async () => {
  const box = inbox();
  box.add('a');
  await box.reached(position(1), false);
  const taken = await box.take();
  expect(keysOf(taken)).toEqual(['a']);
  expect(taken?.position).toEqual(position(1));
});

test('a position without changes is taken only when it is worth storing', async () => {
  const box = inbox();
  const taken = box.take();
  await box.reached(position(1), false);
  await box.reached(position(2), true);
  expect(await taken).toMatchObject({ records: [], position: position(2) });
  box.add('a');
  await box.reached(position(3), false);
  expect(keysOf(await box.take())).toEqual(['a']);
});

test('a full batch blocks the reader until it is taken or the inbox is closed', async () => {
  const box = inbox();
  box.add('a');
  box.add('b');
  let goesOn = false;
  const reading = box.reached(position(1), false).then(() => (goesOn = true));
  await Promise.resolve();
  expect(goesOn).toBe(false);
  expect(keysOf(await box.take())).toEqual(['a', 'b']);
  await reading;
  box.add('c');
  box.add('d');
  const blocked = box.reached(position(2), false);
  box.close();
  await blocked;
});

test('the end of the reading is delivered after all changes', async () => {
  const box = inbox();
  box.add('a');
  await box.reached(position(1), false);
  box.end(new Error('lost'));
  expect(keysOf(await box.take())).toEqual(['a']);
  await expect(box.take()).rejects.toThrow('lost');
});

test('take returns null when the reading ended without an error', async () => {
  const box = inbox();
  box.end(null);
  expect(await box.take()).toBeNull();
});
