import { expect, test } from 'vitest';
import { withTables } from './scaling-page.ts';

const page = 'before\n\n<!-- table: a -->\nold\n<!-- /table -->\n\nafter\n';

test('a table takes the place of the one before, again and again', () => {
  const filled = withTables(page, new Map([['a', '| new |']]));
  expect(filled).toBe('before\n\n<!-- table: a -->\n\n| new |\n\n<!-- /table -->\n\nafter\n');
  expect(withTables(filled, new Map([['a', '| new |']]))).toBe(filled);
});

test('a table that the page asks for and nobody made, or that nobody asks for, is an error', () => {
  expect(() => withTables(page, new Map())).toThrow('there is no table "a"');
  expect(() =>
    withTables(
      page,
      new Map([
        ['a', ''],
        ['b', ''],
      ]),
    ),
  ).toThrow('leaves out b');
});
