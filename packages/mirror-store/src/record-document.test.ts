import { BSON } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { checkedSize, maxJsonDepth, storable, UnstorableError } from './record-document.ts';

const nested = (levels: number) => JSON.parse(`${'['.repeat(levels)}1${']'.repeat(levels)}`);

describe('storable', () => {
  test('hands plain JSON on as it is', () => {
    const json = JSON.parse('{"$set": {"a.b": [1, null, "x"]}, "__proto__": {"y": true}, "": 0}');
    expect(storable(json)).toBe(json);
  });

  test('a key that the driver would take for a type of its own is stored as it is', () => {
    const json = { properties: { _bsontype: { id: 'x', type: 'select' }, ObjectId: [{ _bsontype: 'ObjectId', id: 'abc' }] } };
    expect(() => BSON.serialize(json)).toThrow('Unsupported BSON version');
    expect(BSON.deserialize(BSON.serialize({ raw: storable(json) }))['raw']).toEqual(json);
  });

  test('NUL in a key becomes ␀, in a value it stays', () => {
    const stored = BSON.deserialize(BSON.serialize({ raw: storable({ 'a\0b': { name: 'a\0b' } }) }));
    expect(stored['raw']).toEqual({ 'a␀b': { name: 'a\0b' } });
  });

  test('half a surrogate pair is no text in BSON and becomes U+FFFD, without harm', () => {
    expect(BSON.deserialize(BSON.serialize({ raw: storable({ 'a\ud800': 'b\udc00c' }) }))['raw']).toEqual({ 'a\ufffd': 'b\ufffdc' });
  });

  test('too deep is an error of its own, however deep', () => {
    expect(storable(nested(maxJsonDepth))).toEqual(nested(maxJsonDepth));
    expect(() => storable(nested(maxJsonDepth + 1))).toThrow(UnstorableError);
    expect(() => storable(nested(5000))).toThrow(UnstorableError);
  });
});

test('too large is an error that says how large', () => {
  expect(() => checkedSize({ raw: 'x'.repeat(17 * 1024 * 1024) })).toThrow('the document has 17.0 MiB; MongoDB stores at most 16');
});
