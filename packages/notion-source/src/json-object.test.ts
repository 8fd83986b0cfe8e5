import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { elementsAsWritten, keysAsWritten } from './json-object.ts';

describe('keysAsWritten', () => {
  it('keeps the place of keys that look like integers', () => {
    const text = '{"id":"x","properties":{"b":{"2":1},"2024":{},"a":{"7":[{"1":0}]},"1":{}},"more":{"9":1}}';
    expect(keysAsWritten(text, 'properties')).toEqual(['b', '2024', 'a', '1']);
    expect(Object.keys((JSON.parse(text) as { properties: object }).properties)).toEqual(['1', '2024', 'b', 'a']);
  });

  it('finds only the top-level field, and nothing in strings', () => {
    const text = String.raw`{"a":{"properties":{"x":1}},"s":"{\"properties\":{\"y\":1}}","l":["properties",":",{"properties":{"w":1}}],"properties":{"z":"\\"}}`;
    expect(keysAsWritten(text, 'properties')).toEqual(['z']);
    expect(keysAsWritten(text, 'missing')).toEqual([]);
    expect(keysAsWritten('{"properties":["a",{"b":1}]}', 'properties')).toEqual([]);
  });

  it('returns the keys of any object, in the order in which they are written', () => {
    const key = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.nat().map(String),
      fc.constantFrom('__proto__', 'constructor', '"', '\\', '{', ':'),
    );
    fc.assert(
      fc.property(fc.uniqueArray(key), fc.json(), fc.boolean(), (keys, value, pretty) => {
        const inner = keys.map((name) => `${JSON.stringify(name)}${pretty ? ' : ' : ':'}${value}`).join(',');
        const text = `{"before":${value},"properties":{${inner}},"after":${value}}`;
        expect(keysAsWritten(text, 'properties')).toEqual(keys);
      }),
    );
  });
});

describe('elementsAsWritten', () => {
  it('gives the text of each element of the array at the top', () => {
    const text = String.raw`{"a":{"results":[{"x":1}]},"s":"\"results\":[{","results":[ {"b":[{"c":"]}\\"}]} , {} ],"more":[{"y":1}]}`;
    expect(elementsAsWritten(text, 'results')).toEqual([String.raw`{"b":[{"c":"]}\\"}]}`, '{}']);
    expect(elementsAsWritten(text, 'missing')).toEqual([]);
    expect(elementsAsWritten('{"results":{"a":[{"b":1}]}}', 'results')).toEqual([]);
  });

  it('splits any array of objects', () => {
    const element = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue());
    fc.assert(
      fc.property(fc.array(element), fc.json(), fc.constantFrom(0, 2), (elements, value, space) => {
        const texts = elements.map((entry) => JSON.stringify(entry, null, space));
        const text = `{"before":${value},"results":[${texts.join(space === 0 ? ',' : ' , ')}],"after":${value}}`;
        expect(elementsAsWritten(text, 'results')).toEqual(texts);
      }),
    );
  });
});
