import { expect, test } from 'vitest';
import { createRandom } from './random.ts';

test('the same seed gives the same stream, a different seed a different one', () => {
  expect(drawn('a')).toEqual(drawn('a'));
  expect(drawn('a')).not.toEqual(drawn('b'));
});

test('a fork is unaffected by draws from its parent', () => {
  const untouched = createRandom('seed');
  const used = createRandom('seed');
  used.next();
  expect(used.fork('x').uuid()).toBe(untouched.fork('x').uuid());
  expect(untouched.fork('x').uuid()).not.toBe(untouched.fork('y').uuid());
});

test('numbers fill their range', () => {
  const random = createRandom('range');
  const numbers = Array.from({ length: 10_000 }, () => random.integer(10));
  expect(new Set(numbers)).toEqual(new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
  expect(numbers.filter((number) => number === 3).length).toBeGreaterThan(800);
});

test('ids are UUIDs', () => {
  const random = createRandom('ids');
  for (let index = 0; index < 100; index += 1)
    expect(random.uuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

function drawn(seed: string) {
  const random = createRandom(seed);
  return [random.uuid(), random.integer(1000), random.text(8), random.chance(0.5), random.pick(['a', 'b', 'c'])];
}
