import { expect, test } from 'vitest';
import { stableStringify } from './stable-json.ts';

test.each([
  [{ b: 1, a: { d: [{ z: 1, y: 2 }], c: null } }, '{"a":{"c":null,"d":[{"y":2,"z":1}]},"b":1}'],
  [{ text: 'Ünïcode 🚀 "q"' }, '{"text":"Ünïcode 🚀 \\"q\\""}'],
  [JSON.parse('{"b":1,"__proto__":{"x":1},"a":2}'), '{"__proto__":{"x":1},"a":2,"b":1}'],
  [[3, 1, 2], '[3,1,2]'],
  ['text', '"text"'],
  [null, 'null'],
])('%j', (value, expected) => {
  expect(stableStringify(value)).toBe(expected);
});
