import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { contentDifferences, mirrorVerdict, type Fields } from './content-differences.ts';

const document = (change: Fields = {}): Fields => ({
  title: 'Tasks',
  lastEditedTime: new Date('2026-01-01T00:00:00.000Z'),
  icon: { type: 'file', file: { url: 'https://files.example/a.png?signature=1', expiry_time: '2026-01-01T01:00:00.000Z' } },
  dataSources: [
    {
      id: 'ds-1',
      name: 'Tasks',
      properties: [
        { id: 'title', name: 'Name', config: {} },
        { id: 'a%3B', name: 'Status', config: { options: [{ id: 'o1', name: 'Open' }] } },
      ],
    },
    { id: 'ds-2', name: 'Gone', accessible: false },
  ],
  raw: { database: { id: 'db', request_id: 'r-1' }, dataSources: [{ id: 'ds-1', request_id: 'r-2', properties: { 'a.b': { id: 'x' } } }] },
  ...change,
});

const paths = (mirror: Fields, notion: Fields) => contentDifferences(mirror, notion).map(({ path }) => path);

describe('differences of two documents', () => {
  test('there are none between a document and itself with reordered keys', () => {
    const same = Object.fromEntries(Object.entries(document()).toReversed());
    expect(contentDifferences(document(), same)).toEqual([]);
  });

  test('a field is reported with both values', () => {
    expect(contentDifferences(document(), document({ title: 'Roadmap' }))).toEqual([{ path: 'title', mirror: 'Tasks', notion: 'Roadmap' }]);
  });

  test('dates are compared by time, and a date differs from its text', () => {
    expect(paths(document(), document({ lastEditedTime: new Date('2026-01-01T00:00:00.001Z') }))).toEqual(['lastEditedTime']);
    expect(paths(document(), document({ lastEditedTime: '2026-01-01T00:00:00.000Z' }))).toEqual(['lastEditedTime']);
  });

  test('absent and null differ', () => {
    expect(contentDifferences(document({ cover: null }), document())).toEqual([{ path: 'cover', mirror: null, notion: undefined }]);
  });

  test('elements are matched by id, so a new one shifts no other', () => {
    const [first, second] = document()['dataSources'] as readonly Fields[];
    const added = { id: 'ds-0', name: 'New' };
    expect(contentDifferences(document(), document({ dataSources: [added, first, { ...second, name: 'Back' }] }))).toEqual([
      { path: 'dataSources[ds-2].name', mirror: 'Gone', notion: 'Back' },
      { path: 'dataSources[ds-0]', mirror: undefined, notion: added },
    ]);
  });

  test('the order of elements counts, that of keys does not', () => {
    const sources = document()['dataSources'] as readonly Fields[];
    expect(contentDifferences(document(), document({ dataSources: sources.toReversed() }))).toEqual([
      { path: 'dataSources (order)', mirror: ['ds-1', 'ds-2'], notion: ['ds-2', 'ds-1'] },
    ]);
  });

  test('a changed signature of a file URL is no difference, another file is', () => {
    const file = (url: string, expiry: unknown) => document({ icon: { type: 'file', file: { url, expiry_time: expiry } } });
    expect(paths(document(), file('https://files.example/a.png?signature=2', '2026-02-01T01:00:00.000Z'))).toEqual([]);
    expect(paths(document(), file('https://files.example/b.png?signature=1', '2026-01-01T01:00:00.000Z'))).toEqual(['icon.file.url']);
    expect(paths(file('https://a?1', null), file('https://a?2', null))).toEqual(['icon.file.url']);
  });

  test('properties that users named url and expiry_time are compared', () => {
    expect(paths(named('a'), named('b'))).toEqual(['raw.database.url.id', 'raw.database.expiry_time.id']);
  });

  test('a changed request id is no difference, a property of that name is', () => {
    expect(paths(answered('r-1', 'a'), answered('r-2', 'a'))).toEqual([]);
    expect(paths(answered('r-1', 'a'), answered('r-1', 'b'))).toEqual(['raw.dataSources[0].properties.request_id.inner']);
  });

  test('a page fetched by itself has a request id, a queried one has none', () => {
    const page = { id: 'p', properties: { request_id: { id: 'a', number: 1 } } };
    expect(paths({ raw: { ...page, request_id: 'r-1' } }, { raw: page })).toEqual([]);
    expect(paths({ raw: page }, { raw: { ...page, properties: {} } })).toEqual(['raw.properties.request_id']);
  });

  test('keys are user text, including __proto__ and keys with dots', () => {
    expect(paths(odd('1'), odd('2'))).toEqual(['raw.database["a.b"]', 'raw.database.__proto__']);
    expect(paths({ raw: { database: {} } }, odd('2'))).toEqual(['raw.database["a.b"]', 'raw.database.__proto__']);
  });

  test('a value of a driver’s class equals nothing from Notion', () => {
    class ObjectId {
      readonly id = 1;
    }
    expect(paths(document({ url: new ObjectId() }), document({ url: { id: 1 } }))).toEqual(['url']);
  });

  test('an object without fields and an empty array differ', () => {
    expect(paths({ title: {} }, { title: [] })).toEqual(['title']);
  });

  test('fields for readers come first, raw last', () => {
    expect(paths({ raw: { database: 1 }, title: 'a' }, { raw: { database: 2 }, title: 'b' })).toEqual(['title', 'raw.database']);
  });
});

test.each([
  [null, { kind: 'trashed' }, { kind: 'equal' }],
  [null, { kind: 'inaccessible' }, { kind: 'equal' }],
  [null, { kind: 'live', fields: { title: 'a' } }, { kind: 'missing' }],
  [{ title: 'a' }, { kind: 'trashed' }, { kind: 'extra', because: 'trashed' }],
  [{ title: 'a' }, { kind: 'inaccessible' }, { kind: 'extra', because: 'inaccessible' }],
  [{ title: 'a' }, { kind: 'moved_away' }, { kind: 'extra', because: 'moved_away' }],
  [{ title: 'a' }, { kind: 'live', fields: { title: 'a' } }, { kind: 'equal' }],
  [{ title: 'a' }, { kind: 'live', fields: { title: 'b' } }, { kind: 'stale', fields: [{ path: 'title', mirror: 'a', notion: 'b' }] }],
] as const)('mirror %j, Notion %j: %j', (mirror, notion, verdict) => {
  expect(mirrorVerdict(mirror, notion)).toEqual(verdict);
});

describe('on any documents', () => {
  const key = fc.oneof(fc.constantFrom('id', 'url', 'expiry_time', 'raw', 'database', '__proto__', 'request_id', '1', 'a.b'), fc.string());
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom(null, true, 0, 1, '', 'a', 'https://a?1', 'https://a?2'),
      fc.date({ noInvalidDate: true }),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.array(fc.record({ id: fc.constantFrom('a', 'b', 'c'), x: tie('value') }), { maxLength: 3 }),
      fc.array(fc.tuple(key, tie('value')), { maxLength: 4 }).map(made),
    ),
  }));
  const fields = fc.array(fc.tuple(key, value), { maxLength: 5 }).map(made);

  test('there are none exactly when the documents are equal', () => {
    fc.assert(
      fc.property(fields, fields, (a, b) => {
        expect(contentDifferences(a, b).length === 0).toBe(text(a) === text(b));
        expect(contentDifferences(a, structuredClone(a))).toEqual([]);
        expect(contentDifferences(a, b)).toHaveLength(contentDifferences(b, a).length);
      }),
      { numRuns: 2_000 },
    );
  });

  test('a single changed value is found anywhere', () => {
    fc.assert(
      fc.property(value, value, fc.array(fc.oneof(key, fc.constant(0)), { maxLength: 6 }), (before, after, way) => {
        fc.pre(text(before) !== text(after));
        const at = (inner: unknown) => way.reduceRight<unknown>((within, step) => (step === 0 ? [within] : made([[step, within]])), inner);
        expect(contentDifferences({ field: at(before) }, { field: at(after) })).not.toEqual([]);
      }),
    );
  });
});

/** An object as from JSON.parse, where `__proto__` is an ordinary key. */
function made(entries: readonly (readonly [string, unknown])[]): Fields {
  return Object.fromEntries(entries);
}

/** An independent implementation of the same rule: sorted keys, signatures removed. */
function text(value: unknown): string {
  return JSON.stringify(plain(value, []));
}

function plain(inner: unknown, way: readonly (string | number)[]): unknown {
  if (inner instanceof Date) return { $date: inner.getTime() };
  if (Array.isArray(inner)) return inner.map((item, index) => plain(item, [...way, index]));
  if (typeof inner !== 'object' || inner === null) return inner;
  const entries = Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const isSigned = ['url', 'expiry_time'].every((name) => entries.some(([given, of]) => given === name && typeof of === 'string'));
  const depth = way[1] === 'database' ? 2 : way[1] === 'dataSources' ? 3 : 1;
  const isAnswer = way[0] === 'raw' && way.length === depth;
  const kept = entries
    .filter(([name]) => !(isSigned && name === 'expiry_time') && !(isAnswer && name === 'request_id'))
    .map(([name, of]) => [name, isSigned && name === 'url' ? String(of).split('?')[0] : plain(of, [...way, name])]);
  // Keeps an empty object distinct from an empty array.
  return { fields: kept };
}

const named = (id: string): Fields => document({ raw: { database: { url: { id }, expiry_time: { id } }, dataSources: [] } });

const odd = (inner: string): Fields => ({ raw: JSON.parse(`{"database": {"a.b": ${inner}, "__proto__": ${inner}}}`) });

const answered = (requestId: string, inner: string): Fields => ({
  raw: {
    database: { id: 'db', request_id: requestId },
    dataSources: [{ request_id: requestId, properties: { request_id: { inner } } }],
  },
});
