import { expect, test } from 'vitest';
import { createSpanAllowance } from './span-allowance.ts';

const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

test('the first steps of a long piece of work have a context, the others are counted', () => {
  const steps = createSpanAllowance(trace, 2);
  expect([steps.next(), steps.next(), steps.leftOut, steps.next(), steps.next(), steps.leftOut]).toEqual([
    trace,
    trace,
    0,
    undefined,
    undefined,
    2,
  ]);
});
