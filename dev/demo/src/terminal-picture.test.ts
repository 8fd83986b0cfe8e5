import { expect, test } from 'vitest';
import { terminalPicture } from './terminal-picture.ts';

test('bold, dim and colour end where the terminal ends them, also on a later line', () => {
  const picture = terminalPicture(['\u001b[1m\u001b[36macme\u001b[39m renames\u001b[22m', 'a \u001b[2mb', 'c\u001b[0m d'], 'the demo');
  expect(picture.match(/<tspan.*?<\/tspan>/g)).toEqual([
    '<tspan fill="#22d3ee" font-weight="bold">acme</tspan>',
    '<tspan font-weight="bold"> renames</tspan>',
    '<tspan>a </tspan>',
    '<tspan fill-opacity="0.6">b</tspan>',
    '<tspan fill-opacity="0.6">c</tspan>',
    '<tspan> d</tspan>',
  ]);
});

test('text that looks like markup is shown as it is', () => {
  expect(terminalPicture(['a < b & "c"'], 'a "title"')).toContain('<tspan>a &lt; b &amp; &quot;c&quot;</tspan>');
});

test('the picture is as wide as the longest line without its codes', () => {
  const plain = terminalPicture(['0123456789'], 't').split('\n')[0];
  expect(terminalPicture(['\u001b[31m0123456789\u001b[39m', 'short'], 't')).toContain(/viewBox="0 0 (\d+)/.exec(plain ?? '')?.[0]);
});
