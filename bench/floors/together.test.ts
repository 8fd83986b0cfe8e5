import { expect, test } from 'vitest';
import { together } from './together.ts';

test('items added while a request is in flight go together in the next one, and each resolves with its own request', async () => {
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
