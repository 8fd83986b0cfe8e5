import { expect, test } from 'vitest';
import { DeadlineError, settlesBefore, withDeadline } from './deadline.ts';

const never = new Promise<never>(() => {});
const hour = 3_600_000;

test('work in time keeps its result or its error', async () => {
  expect(await withDeadline(Promise.resolve('done'), { ms: hour, message: 'late' })).toBe('done');
  await expect(withDeadline(Promise.reject(new Error('its own')), { ms: hour, message: 'late' })).rejects.toThrow('its own');
});

test('late work is a DeadlineError, and its later failure is dropped', async () => {
  const late = Promise.withResolvers<never>();
  const error: unknown = await withDeadline(late.promise, { ms: 1, message: 'no answer within 1 ms' }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(DeadlineError);
  expect(error).toMatchObject({ message: 'no answer within 1 ms' });
  late.reject(new Error('unheard'));
});

test('an abort rejects with its reason, also if it came before', async () => {
  const stop = new AbortController();
  const waiting = withDeadline(never, { ms: hour, message: 'late', signal: stop.signal });
  stop.abort(new Error('stopped'));
  await expect(waiting).rejects.toThrow('stopped');
  await expect(withDeadline(never, { ms: hour, message: 'late', signal: stop.signal })).rejects.toThrow('stopped');
});

test('says whether work settles in time, fulfilled or rejected', async () => {
  expect(await settlesBefore(Promise.resolve(), Date.now() + hour)).toBe(true);
  expect(await settlesBefore(Promise.reject(new Error('failed')), Date.now() + hour)).toBe(true);
  expect(await settlesBefore(never, Date.now() + 1)).toBe(false);
  expect(await settlesBefore(never, Date.now() - hour)).toBe(false);
});
