import { expect, test } from 'vitest';
import { createRateLimiter, rateLimitSchema } from './rate-limit.ts';

test('a window begins with its first request, and counts allowed requests only', () => {
  let now = 1_000_000;
  const limiter = createRateLimiter(
    () => rateLimitSchema.parse({ perToken: 2 }),
    () => now,
  );
  expect(limiter.take('a', 'w').kind).toBe('allowed');
  now += 20_500;
  expect(limiter.take('a', 'w').kind).toBe('allowed');
  expect(limiter.take('a', 'w')).toEqual({ kind: 'limited', reason: 'public_api_request_rate_limit', retryAfterSeconds: 40 });
  expect(limiter.take('b', 'w').kind).toBe('allowed');
  now += 39_499;
  expect(limiter.take('a', 'w')).toEqual({ kind: 'limited', reason: 'public_api_request_rate_limit', retryAfterSeconds: 1 });
  now += 1;
  expect(limiter.take('a', 'w').kind).toBe('allowed');
});

test("a workspace's budget is shared by its tokens", () => {
  const settings = rateLimitSchema.parse({ perToken: 10, perWorkspace: 2, workspaceRetryAfterSeconds: 90 });
  const limiter = createRateLimiter(
    () => settings,
    () => 0,
  );
  expect(limiter.take('a', 'w').kind).toBe('allowed');
  expect(limiter.take('b', 'w').kind).toBe('allowed');
  expect(limiter.take('a', 'w')).toEqual({ kind: 'limited', reason: 'public_api_space_request_rate_limit', retryAfterSeconds: 90 });
  expect(limiter.take('c', 'elsewhere').kind).toBe('allowed');
});
