import { describe, expect, test } from 'vitest';
import { middle, safeLink, shellWord } from './text.ts';

describe('cut in the middle', () => {
  test('the result has the given length, and both ends', () => {
    expect(middle('Roadmap 2026', 9)).toBe('Road…2026');
    expect(middle('Roadmap', 7)).toBe('Roadmap');
  });

  test('a character of several code points stays whole', () => {
    expect(middle('👩‍🚀👩‍🚀👩‍🚀👩‍🚀', 3)).toBe('👩‍🚀…👩‍🚀');
    expect(middle('👩‍🚀👩‍🚀', 2)).toBe('👩‍🚀👩‍🚀');
  });

  test('also of a very long text', () => {
    expect(middle(`ab${'x'.repeat(10_000)}yz`, 5)).toBe('ab…yz');
  });
});

test('only https is followed', () => {
  expect(safeLink('https://www.notion.so/x')).toBe('https://www.notion.so/x');
  for (const url of ['javascript:alert(1)', 'http://example.org', 'data:text/html,x', '//example.org', ' ', null, 7])
    expect(safeLink(url)).toBeNull();
});

test('an argument of a command is quoted when a shell would read more into it', () => {
  expect(shellWord('acme')).toBe('acme');
  expect(shellWord("a'; rm -rf ~")).toBe(String.raw`'a'\''; rm -rf ~'`);
});
