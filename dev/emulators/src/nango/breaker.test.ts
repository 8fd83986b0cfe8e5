import { beforeEach, expect, test } from 'vitest';
import type { CircuitBreaker } from './breaker.ts';
import { breakerSchema, createCircuitBreaker } from './breaker.ts';

const url = 'http://receiver/';
let now = 0;
let breaker: CircuitBreaker;
beforeEach(() => {
  now = 1_000_000;
  const settings = breakerSchema.parse({});
  breaker = createCircuitBreaker(
    () => settings,
    () => now,
  );
});

const attempt = (succeeds: boolean) => breaker.execute(url, () => Promise.resolve(succeeds));
async function fail(times: number) {
  for (let time = 0; time < times; time += 1) await attempt(false);
}

test('five failures leave the breaker closed, the sixth within ten seconds opens it', async () => {
  await fail(5);
  expect(breaker.state(url)).toBe('closed');
  now += 9_999;
  expect(await attempt(false)).toBe('failed');
  expect(breaker.state(url)).toBe('open');
});

test('successes in between do not reset the count, time does', async () => {
  await fail(5);
  expect(await attempt(true)).toBe('succeeded');
  now += 10_000;
  await fail(5);
  expect(breaker.state(url)).toBe('closed');
  await fail(1);
  expect(breaker.state(url)).toBe('open');
});

test('an open breaker runs nothing for 60 s; then one probe decides', async () => {
  await fail(6);
  let ran = 0;
  const count = () => {
    ran += 1;
    return Promise.resolve(false);
  };
  expect(await breaker.execute(url, count)).toBe('refused');
  now += 59_999;
  expect(await breaker.execute(url, count)).toBe('refused');
  expect(ran).toBe(0);
  now += 1;
  expect(await breaker.execute(url, count)).toBe('failed');
  now += 59_999;
  expect(await attempt(true)).toBe('refused');
  now += 1;
  expect(await attempt(true)).toBe('succeeded');
  expect(breaker.state(url)).toBe('closed');
  await fail(5);
  expect(breaker.state(url)).toBe('closed');
});

test('while a probe runs, other attempts are refused', async () => {
  await fail(6);
  now += 60_000;
  const probe = Promise.withResolvers<boolean>();
  const probing = breaker.execute(url, () => probe.promise);
  expect(breaker.state(url)).toBe('half_open');
  expect(await attempt(true)).toBe('refused');
  probe.resolve(true);
  expect(await probing).toBe('succeeded');
});

test('each URL has its own breaker', async () => {
  await fail(6);
  expect(await breaker.execute('http://other/', () => Promise.resolve(true))).toBe('succeeded');
});
