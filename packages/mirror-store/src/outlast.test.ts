import { MongoServerError, MongoWriteConcernError } from 'mongodb';
import { expect, test, vi } from 'vitest';
import { outlast } from './outlast.ts';

type Run = Parameters<typeof outlast<string>>[1];

const expired = new MongoServerError({ message: 'operation exceeded time limit', code: 50 });

test('what a transaction blocks is tried again, each time with its limit', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  try {
    const run = vi.fn<Run>().mockRejectedValueOnce(expired).mockResolvedValueOnce('done');
    expect(await outlast(20, run)).toBe('done');
    expect(run.mock.calls).toEqual([[{ maxTimeMS: 20 }], [{ maxTimeMS: 20 }]]);
  } finally {
    vi.useRealTimers();
  }
});

test('not for longer than two minutes', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  try {
    const run = vi.fn<Run>(() => {
      vi.setSystemTime(Date.now() + 121_000);
      return Promise.reject(expired);
    });
    await expect(outlast(20, run)).rejects.toBe(expired);
    expect(run).toHaveBeenCalledOnce();
  } finally {
    vi.useRealTimers();
  }
});

test.each([
  ['another error', new MongoServerError({ message: 'no such collection', code: 26 })],
  ['a write that waits for its majority', new MongoWriteConcernError({ ok: 1, writeConcernError: { code: 50, errmsg: 'timed out' } })],
])('%s is not tried again', async (_what, error) => {
  const run = vi.fn<Run>().mockRejectedValue(error);
  await expect(outlast(20, run)).rejects.toBe(error);
  expect(run).toHaveBeenCalledOnce();
});
