import { expect, test } from 'vitest';
import { together } from './together.ts';

test('what comes while a request is under way goes together in the next, and each resolves with its own', async () => {
  const sent: (readonly string[])[] = [];
  const answers: (() => void)[] = [];
  const send = together<string>((items) => {
    sent.push(items);
    return new Promise<void>((resolve) => answers.push(resolve));
  });
  const done: string[] = [];
  const add = (item: string) => send(item).then(() => done.push(item));

  const first = add('a');
  await expect.poll(() => sent).toEqual([['a']]);
  const others = [add('b'), add('c')];
  answers[0]?.();
  await first;
  await expect.poll(() => sent).toEqual([['a'], ['b', 'c']]);
  expect(done).toEqual(['a']);
  answers[1]?.();
  await Promise.all(others);
  expect(done).toEqual(['a', 'b', 'c']);
});
