import { isDeepStrictEqual } from 'node:util';
import type { JsonObject } from '@notion-mirror/domain/database-content';
import type { RowContent } from '@notion-mirror/domain/entities/row';
import { arbitraryRow } from '@notion-mirror/domain/testing/arbitrary-row';
import * as fc from 'fast-check';
import { BSON, type Document } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { UnstorableError } from '../records/storable.ts';
import { rowFields, rowOf } from './row-content.ts';

const stored = (content: RowContent): Document => BSON.deserialize(BSON.serialize(rowFields(content)));

const row: RowContent = {
  databaseId: 'd1',
  dataSourceId: 's1',
  title: 'Kale',
  url: null,
  publicUrl: null,
  icon: { type: 'emoji', emoji: '🥬' },
  cover: null,
  isArchived: false,
  isLocked: true,
  createdTime: new Date('2026-03-01T19:05:00.000Z'),
  lastEditedTime: null,
  createdBy: 'u1',
  lastEditedBy: null,
  properties: [
    { id: 'title', name: '$set.a', type: 'title', value: 'Kale' },
    { id: 'a', name: 'Made', type: 'created_time', value: new Date('2026-03-01T19:05:00.000Z') },
    { id: 'b', name: 'Times', type: 'rollup', value: [new Date(0), null], resultType: 'array', computed: true },
    { id: 'c', name: 'Stage', type: 'status', value: null, optionId: null },
    { id: 'd', name: 'Tasks', type: 'relation', value: ['p1'], complete: false },
  ],
  related: ['p1'],
  raw: { object: 'page', properties: { '$set.a': { id: 'title' } } },
};

describe('a stored row', () => {
  test('has the fields of its content', () => {
    expect(stored(row)).toStrictEqual(row);
  });

  test('reads back as it was, whatever is in it', () => {
    fc.assert(
      fc.property(arbitraryRow, (content) => {
        // Vitest takes a field named `constructor` for the class of its object.
        expect(isDeepStrictEqual(rowOf(stored(content)), content)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test('reads back as it was when a later version has written more into a property', () => {
    fc.assert(
      fc.property(arbitraryRow, (content) => {
        const document = stored(content);
        const properties = (document['properties'] as Document[]).map((property) => ({ ...property, sinceLater: 1 }));
        expect(isDeepStrictEqual(rowOf({ ...document, properties }), content)).toBe(true);
      }),
    );
  });

  test('reads without the fields that are the mirror’s own', () => {
    expect(rowOf({ _id: 'acme:p1', rev: 3, ...stored(row) })).toStrictEqual(row);
  });

  test('keeps keys that MongoDB reads in another way, and turns NUL in a key into ␀', () => {
    const odd = JSON.parse('{"_bsontype": "ObjectId", "a\\u0000b": {"__proto__": {"$where": "x\\u0000y"}}}') as JsonObject;
    const kept = JSON.parse('{"_bsontype": "ObjectId", "a␀b": {"__proto__": {"$where": "x\\u0000y"}}}') as JsonObject;
    const property = { id: 'a', name: 'a\0b', type: 'hologram' };
    const written = stored({ ...row, icon: odd, cover: odd, raw: odd, properties: [{ ...property, value: odd }] });
    expect(rowOf(written)).toStrictEqual({ ...row, icon: kept, cover: kept, raw: kept, properties: [{ ...property, value: kept }] });
  });

  test('is refused when it is nested too deep', () => {
    const value = JSON.parse(`${'['.repeat(200)}${']'.repeat(200)}`) as JsonObject;
    expect(() => rowFields({ ...row, properties: [{ id: 'a', name: 'A', type: 'hologram', value }] })).toThrow(UnstorableError);
  });

  test.each<[string, Document]>([
    ['title', { title: 7 }],
    ['properties', { properties: [{ id: 'a', name: 'A', type: 'number' }] }],
    ['properties', { properties: [{ id: 'a', name: 'A', type: 'date', value: null, startAt: '2026-01-31' }] }],
    ['raw', { raw: null }],
    ...[
      { id: 7 },
      { name: null },
      { type: undefined },
      { value: undefined },
      { optionId: 7 },
      { optionIds: [7] },
      { optionIds: 'a' },
      { startAt: new Date(Number.NaN) },
      { endAt: 7 },
      { number: Number.NaN },
      { number: '7' },
      { resultType: null },
      { computed: false },
      { complete: true },
    ].map((change): [string, Document] => ['properties', { properties: [{ id: 'a', name: 'A', type: 'number', value: 1, ...change }] }]),
    ['properties', { properties: { id: 'a' } }],
    ['properties', { properties: [null] }],
  ])('is refused when its %s is not as the mirror writes it', (field, change) => {
    expect(() => rowOf({ _id: 'acme:p1', ...stored(row), ...change })).toThrow(field);
  });
});
