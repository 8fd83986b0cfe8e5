import * as fc from 'fast-check';
import { BSON } from 'mongodb';
import { expect, test } from 'vitest';

// `patches/bson@7.3.4.patch` remembers short strings by a hash of their bytes, so two that share a slot must not be taken for each other. It finds a value that
// contains itself without a set of those around it.

const decoded = (document: BSON.Document) => BSON.deserialize(BSON.serialize(document));

test('short names and values are read as they were written, however many share a slot', () => {
  for (let length = 1; length <= 21; length += 1) {
    const texts = Array.from({ length: 5_000 }, (_, n) => String(n).padStart(length, 'abc'));
    const document = Object.fromEntries(texts.map((text) => [`${text} `, text]));
    expect(decoded(document)).toEqual(document);
    expect(decoded(document)).toEqual(document);
  }
});

test('texts of any characters are read as they were written', () => {
  const name = fc.string({ unit: 'grapheme', maxLength: 24 }).filter((text) => !text.includes('\0') && text !== '__proto__');
  fc.assert(
    fc.property(
      fc.dictionary(name, fc.oneof(fc.string({ unit: 'grapheme', maxLength: 24 }), fc.string({ unit: 'binary-ascii', maxLength: 24 }))),
      (document) => {
        expect(decoded(document)).toEqual({ ...document });
      },
    ),
    { numRuns: 1_000 },
  );
});

test('a value that contains itself is refused, however deep it is', () => {
  const around: Record<string, unknown> = { a: [{}, { b: {} }] };
  const within: Record<string, unknown> = { around };
  around['deep'] = [0, [within]];
  const self: Record<string, unknown> = {};
  self['self'] = self;
  const list: unknown[] = [];
  list.push({ list });
  for (const document of [around, { within }, self, { list }, { map: new Map([['around', around]]) }]) {
    expect(() => BSON.serialize(document)).toThrow('circular');
  }
});

test('a value that stands in several places is written in each', () => {
  const shared = { a: [1], b: {} };
  const list = [shared, shared];
  expect(decoded({ shared, again: shared, list, within: { shared, list } })).toEqual({
    shared,
    again: shared,
    list,
    within: { shared, list },
  });
});

test('a name with NUL is refused', () => {
  for (const document of [{ 'a\0': 1 }, { a: [{ '\0': 1 }] }, { a: new Map([['\0b', 1]]) }]) {
    expect(() => BSON.serialize(document)).toThrow('null bytes');
  }
  expect(decoded({ a: '\0' })).toEqual({ a: '\0' });
});
