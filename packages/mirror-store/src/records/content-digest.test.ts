import { contentDifferences, type Fields } from '@notion-mirror/domain/content-differences';
import { arbitraryRow } from '@notion-mirror/domain/testing/arbitrary-row';
import * as fc from 'fast-check';
import { BSON, type Document } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { rowFields } from '../entities/row-content.ts';
import { contentDigest } from './content-digest.ts';

const stored = (document: Document): Document => BSON.deserialize(BSON.serialize(document, { ignoreUndefined: false }));
const isEqual = (a: Document, b: Document) => contentDifferences(a, b).length === 0;

const key = fc.oneof(
  fc.constantFrom('id', 'url', 'expiry_time', 'raw', 'database', 'dataSources', '__proto__', 'request_id', '1', 'a.b'),
  fc.string({ maxLength: 3 }),
);
const scalar = fc.constantFrom(
  null,
  true,
  false,
  0,
  -0,
  1,
  12,
  '',
  '0',
  'a',
  '1:a',
  'https://a?1',
  'https://a?2',
  new Date(0),
  new Date(1),
);
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.array(fc.record({ id: fc.constantFrom('a', 'b'), x: tie('value') }), { maxLength: 3 }),
    fc.array(fc.tuple(key, tie('value')), { maxLength: 3 }).map(made),
  ),
}));
const documents = fc.array(fc.tuple(key, value), { maxLength: 4 }).map(made);

/** The same document as another answer of Notion might bring it: keys in another order, other signatures, another request id. */
function varied(inner: unknown): unknown {
  if (Array.isArray(inner)) return inner.map(varied);
  if (!isFields(inner)) return inner;
  const isSigned = typeof own(inner, 'url') === 'string' && typeof own(inner, 'expiry_time') === 'string';
  const entries = Object.entries(inner)
    .toReversed()
    .map(([name, of]): [string, unknown] => {
      if (isSigned && name === 'expiry_time') return [name, 'tomorrow'];
      return [name, isSigned && name === 'url' ? `${String(of).split('?', 1)[0]}?again` : varied(of)];
    });
  return made(entries);
}

/** A document like the first, with one value of the second somewhere in it. */
function mixed(a: unknown, b: unknown, way: readonly number[]): unknown {
  const [step, ...rest] = way;
  if (step === undefined) return b;
  if (Array.isArray(a) && a.length > 0) return a.map((item, index) => (index === step % a.length ? mixed(item, b, rest) : item));
  if (!isFields(a) || Object.keys(a).length === 0) return b;
  const entries = Object.entries(a);
  return made(entries.map(([name, of], index) => [name, index === step % entries.length ? mixed(of, b, rest) : of]));
}

describe('the digest of a document', () => {
  test('is equal exactly when there is no difference', () => {
    const pair = fc.tuple(documents, documents, value, fc.array(fc.nat(5), { minLength: 1, maxLength: 4 }));
    let equal = 0;
    fc.assert(
      fc.property(pair, ([a, b, inner, way]) => {
        for (const other of [b, varied(a) as Fields, mixed(a, inner, way) as Fields]) {
          if (!isFields(other)) continue;
          const same = isEqual(a, other);
          if (same) equal += 1;
          expect(contentDigest(a) === contentDigest(other)).toBe(same);
        }
      }),
      { numRuns: 5_000 },
    );
    expect(equal).toBeGreaterThan(1_000);
  });

  test('of a row is that of the row as MongoDB returns it', () => {
    fc.assert(
      fc.property(arbitraryRow, arbitraryRow, (a, b) => {
        const fields = rowFields(a);
        const document = stored(fields);
        expect(contentDigest(fields)).toBe(contentDigest(document));
        for (const other of [rowFields(b), rowFields({ ...a, properties: b.properties }), rowFields({ ...a, raw: b.raw })]) {
          expect(contentDigest(other) === contentDigest(document)).toBe(isEqual(stored(other), document));
        }
      }),
      { numRuns: 500 },
    );
  });

  test.each<[string, Document]>([
    ['an unpaired surrogate', { title: 'a\uD800b' }],
    ['keys that MongoDB reads in another way', rowFieldsWith('{"_bsontype": "ObjectId", "a\\u0000b": {"__proto__": 1}}')],
  ])('is that of the stored document: %s', (_, fields) => {
    expect(contentDigest(fields)).toBe(contentDigest(stored(fields)));
  });

  test.each<[string, Fields, Fields, boolean]>([
    ['the request ids of the answers in raw', answers('r1', 'a'), answers('r2', 'a'), true],
    ['a property named request_id', answers('r1', 'a'), answers('r1', 'b'), false],
    ['where an array ends', { a: [[1], 2] }, { a: [[1, 2]] }, false],
    ['where a key ends', { x: 1, y: 2 }, { 'xn1;y': 2 }, false],
    ['where a text ends', { a: ['b', 'c'] }, { a: ['bs1:c'] }, false],
    ['nothing and null', { a: undefined }, {}, true],
    ['null and absence', { a: null }, {}, false],
  ])('%s', (_, a, b, same) => {
    expect([isEqual(a, b), contentDigest(a) === contentDigest(b)]).toEqual([same, same]);
  });

  test('a page that was fetched and one that was queried are the same, whatever their signatures', () => {
    const fetched = { icon: file('1', 'x'), raw: { request_id: 'r1', icon: file('1', 'x'), properties: { request_id: 1 } } };
    const queried = { icon: file('2', 'y'), raw: { icon: file('2', 'y'), properties: { request_id: 1 } } };
    expect(contentDigest(fetched)).toBe(contentDigest(queried));
    expect(contentDigest(fetched)).not.toBe(contentDigest({ ...queried, raw: { ...queried.raw, properties: { request_id: 2 } } }));
    expect(contentDigest({ file: { url: 'https://a/b.png' } })).not.toBe(contentDigest(file('1', 'x')));
  });

  test('of a value that comes from no answer equals nothing', () => {
    const edited = { title: new BSON.ObjectId() };
    expect(contentDigest(edited)).not.toBe(contentDigest(edited));
  });
});

function rowFieldsWith(odd: string): Document {
  return { raw: new Map(Object.entries(JSON.parse(odd.replaceAll('\\u0000', '␀')) as object)) };
}

function answers(requestId: string, inner: string): Fields {
  const answer = { request_id: requestId, properties: { request_id: inner } };
  return { raw: { request_id: requestId, database: answer, dataSources: [answer], properties: { request_id: inner } } };
}

function file(signature: string, expiry: string) {
  return { file: { url: `https://a/b.png?${signature}`, expiry_time: expiry } };
}

function made(entries: readonly (readonly [string, unknown])[]): Fields {
  return Object.fromEntries(entries);
}

function isFields(inner: unknown): inner is Fields {
  return typeof inner === 'object' && inner !== null && Object.getPrototypeOf(inner) === Object.prototype;
}

function own(fields: Fields, name: string): unknown {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}
