import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFifo } from './fifo.ts';

describe('the queue', () => {
  it('behaves like an array', () => {
    const step = fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constant('shift' as const), fc.constant('filter' as const));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 1_000, size: 'max' }), (steps) => {
        const queue = createFifo<number>();
        let model: number[] = [];
        const taken: [number | undefined, number | undefined][] = [];
        for (const action of steps) {
          if (action === 'shift') {
            taken.push([queue.shift(), model.shift()]);
          } else if (action === 'filter') {
            queue.filter((item) => item % 3 !== 0);
            model = model.filter((item) => item % 3 !== 0);
          } else {
            queue.push(action);
            model.push(action);
          }
          taken.push([queue.length, model.length], [queue.peek(), model[0]]);
        }
        expect(taken.map(([found]) => found)).toEqual(taken.map(([, expected]) => expected));
      }),
      { numRuns: 20 },
    );
  });

  it('keeps its order when it lets go of what was taken', () => {
    const queue = createFifo<number>();
    for (let item = 0; item < 5_000; item += 1) queue.push(item);
    for (let item = 0; item < 4_000; item += 1) expect(queue.shift()).toBe(item);
    queue.push(5_000);
    expect(queue.length).toBe(1_001);
    for (let item = 4_000; item <= 5_000; item += 1) expect(queue.shift()).toBe(item);
    expect(queue.shift()).toBeUndefined();
  });
});
