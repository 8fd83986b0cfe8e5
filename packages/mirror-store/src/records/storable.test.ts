import * as fc from 'fast-check';
import { BSON } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { checkedSize, maxDocumentBytes, maxJsonDepth, storable, UnstorableError } from './storable.ts';

const nested = (levels: number) => JSON.parse(`${'['.repeat(levels)}1${']'.repeat(levels)}`);

describe('storable', () => {
  test('plain JSON is passed on unchanged', () => {
    const json = JSON.parse('{"$set": {"a.b": [1, null, "x"]}, "__proto__": {"y": true}, "": 0}');
    expect(storable(json)).toBe(json);
  });

  test('a key that the driver would mistake for one of its own types is stored unchanged', () => {
    const json = { properties: { _bsontype: { id: 'x', type: 'select' }, ObjectId: [{ _bsontype: 'ObjectId', id: 'abc' }] } };
    expect(() => BSON.serialize(json)).toThrow('Unsupported BSON version');
    expect(BSON.deserialize(BSON.serialize({ raw: storable(json) }))['raw']).toEqual(json);
  });

  test('NUL in a key becomes ␀, in a value it stays', () => {
    const stored = BSON.deserialize(BSON.serialize({ raw: storable({ 'a\0b': { name: 'a\0b' } }) }));
    expect(stored['raw']).toEqual({ 'a␀b': { name: 'a\0b' } });
  });

  test('a lone surrogate, invalid in BSON, becomes U+FFFD', () => {
    expect(BSON.deserialize(BSON.serialize({ raw: storable({ 'a\ud800': 'b\udc00c' }) }))['raw']).toEqual({ 'a\ufffd': 'b\ufffdc' });
  });

  test('any document nested too deep throws an UnstorableError, not a stack overflow', () => {
    expect(storable(nested(maxJsonDepth))).toEqual(nested(maxJsonDepth));
    expect(() => storable(nested(maxJsonDepth + 1))).toThrow(UnstorableError);
    expect(() => storable(nested(5000))).toThrow(UnstorableError);
  });
});

/** Documents of these leaves, in arrays, and in objects and Maps with keys of `text`. */
function documents(text: fc.Arbitrary<string>, leaves: fc.Arbitrary<unknown>) {
  const { value } = fc.letrec<{ value: unknown }>((tie) => {
    const fields = fc.dictionary(text, tie('value'));
    const nodes = [fields, fields.map((record) => new Map(Object.entries(record))), fc.array(tie('value'))];
    return { value: fc.oneof({ depthSize: 'small' }, leaves, ...nodes) };
  });
  return value.map((content) => ({ 語: content }));
}

const megabytes = (count: number) => count * 1024 * 1024;

describe('checkedSize', () => {
  test('the error for a document that is too large states its size', () => {
    expect(() => checkedSize({ raw: 'x'.repeat(megabytes(17)) })).toThrow('the document has 17.0 MiB; MongoDB stores at most 16');
  });

  test('a document that fits is accepted, by its exact size if it is large', () => {
    expect(checkedSize({ raw: 'x'.repeat(megabytes(15)) })).toBe(megabytes(15) + 15);
    expect(checkedSize({ raw: Array.from({ length: 1_000_000 }, () => 1) })).toBeLessThan(maxDocumentBytes);
  });

  test('a document that the driver cannot write throws, however small', () => {
    expect(() => checkedSize({ raw: { _bsontype: 'ObjectId', id: 'abc' } })).toThrow(UnstorableError);
  });

  const dates = fc.date({ noInvalidDate: true });
  const flags = fc.constantFrom(true, false, null, undefined);

  // A batch of records is filled by this size: too small a one would let the command grow beyond what the server takes.
  test('the size is what the driver writes, or up to four times as much', () => {
    const text = fc.string({ unit: 'binary' }).map((some) => some.replaceAll('\0', ''));
    const leaves = fc.oneof(text, fc.double(), fc.integer(), dates, flags);
    fc.assert(
      fc.property(documents(text, leaves), (document) => {
        const written = BSON.serialize(document, { ignoreUndefined: false }).length;
        const size = checkedSize(document);
        expect(size >= written && size <= 4 * written).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});
