import type { JsonObject } from '@notion-mirror/domain/database-content';
import type { RowProperty } from '@notion-mirror/domain/entities/row';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { databaseId, sourceId } from '../test/notion-samples.ts';
import { mentions, otherPageId, page, pageId, richText, userId } from '../test/row-samples.ts';
import { elementsAsWritten } from './json-object.ts';
import { parsePage, type PageReading, type ParsedPage } from './row-document.ts';

function read(body: unknown): PageReading {
  const text = JSON.stringify(body);
  return parsePage(JSON.parse(text) as JsonObject, () => text);
}

function value(reading: PageReading): ParsedPage {
  if (reading.kind !== 'parsed') throw new Error(`not parsed: ${JSON.stringify(reading)}`);
  return reading.value;
}

const parsed = (overrides: Record<string, unknown> = {}) => value(read(page(overrides)));

/** Without id, name and type. */
function property(type: string, inner: unknown, more: Record<string, unknown> = {}): Partial<RowProperty> {
  const { properties } = parsed({ properties: { P: { id: 'a%3Ab', type, [type]: inner, ...more } } }).content;
  const { id, name, type: found, ...rest } = properties[0]!;
  expect([properties.length, id, name, found]).toEqual([1, 'a%3Ab', 'P', type]);
  return rest;
}

const others = Array.from({ length: 30 }, (_, index) => `0f3b2c1d-5a6e-4b7c-8d9e-${String(index).padStart(12, '0')}`);
const people = (count: number) => others.slice(0, count).map((id) => ({ object: 'user', id }));
const day = (text: string) => new Date(`${text}T00:00:00.000Z`);
const signed = (path: string) => ({ url: `https://files.example/${path}?X-Amz-Signature=1&x=2`, expiry_time: '2026-01-01T01:00:00.000Z' });
const option = (id: string, name: string) => ({ id, name, color: 'a_new_colour' });
const verified = {
  state: 'verified',
  verified_by: { object: 'user', id: userId },
  date: { start: '2026-01-01', end: '2026-04-01', time_zone: null },
};
const place = { lat: 52.52, lon: 13.405, name: 'Berlin', address: null, aws_place_id: null };

const bare = (id: string) => id.replaceAll('-', '').toUpperCase();
const pageText = (names: readonly string[]) => {
  const entries = names.map((name, index) => `${JSON.stringify(name)}:{"id":"p${index}","type":"number","number":${index}}`);
  return JSON.stringify(page({ properties: 0 })).replace('"properties":0', `"properties":{${entries.join(',')}}`);
};
const pairs = ({ content }: ParsedPage) => content.properties.map(({ name, value: found }) => [name, found]);
const relationOf = (pages: readonly string[]) => ({ type: 'relation', relation: pages.map((id) => ({ id })) });
const parsedWithoutText = (names: string[]) => {
  const text = pageText(names);
  return parsePage(JSON.parse(text) as JsonObject, () => {
    throw new Error('asked');
  });
};

describe('a row', () => {
  it("is made of Notion's page object", () => {
    expect(parsed()).toEqual({
      pageId,
      parent: { type: 'data_source_id', id: sourceId },
      dataSourceId: sourceId,
      databaseId,
      inTrash: false,
      content: {
        title: 'Tuscan kale',
        url: 'https://app.notion.com/p/598337872cf94fdf8782e53db20768a5',
        publicUrl: null,
        icon: null,
        cover: null,
        isArchived: false,
        isLocked: false,
        createdTime: new Date('2026-03-01T19:05:00.000Z'),
        lastEditedTime: new Date('2026-07-06T19:41:00.000Z'),
        createdBy: userId,
        lastEditedBy: userId,
        properties: [{ id: 'title', name: 'Name', type: 'title', value: 'Tuscan kale' }],
        related: [],
        raw: page(),
      },
    });
  });

  it('takes every field from its place', () => {
    const icon = { type: 'icon', icon: { name: 'pizza', color: 'blue' } };
    const cover = { type: 'file', file: signed('cover.png') };
    const { inTrash, content } = parsed({
      icon,
      cover,
      in_trash: true,
      is_archived: true,
      is_locked: true,
      public_url: 'https://acme.notion.site/x',
      something_new: { deep: [1] },
    });
    expect(inTrash).toBe(true);
    expect(content).toMatchObject({ icon, cover, isArchived: true, isLocked: true, publicUrl: 'https://acme.notion.site/x' });
    expect(content.raw).toMatchObject({ something_new: { deep: [1] }, cover });
  });

  it('has defaults for fields that Notion leaves out or sets to null', () => {
    const names = ['url', 'public_url', 'icon', 'cover', 'created_time', 'last_edited_time', 'created_by', 'last_edited_by'];
    const flags = ['is_archived', 'is_locked', 'in_trash'];
    for (const missing of [undefined, null]) {
      const { inTrash, content } = parsed({ ...Object.fromEntries([...names, ...flags].map((name) => [name, missing])), properties: {} });
      const { raw: _, ...fields } = content;
      expect(inTrash).toBe(false);
      expect(fields).toEqual({
        title: '',
        url: null,
        publicUrl: null,
        icon: null,
        cover: null,
        isArchived: false,
        isLocked: false,
        createdTime: null,
        lastEditedTime: null,
        createdBy: null,
        lastEditedBy: null,
        properties: [],
        related: [],
      });
    }
  });

  it('archived is not trash, unless an older version of the API says so', () => {
    expect(parsed({ is_archived: true }).inTrash).toBe(false);
    expect(parsed({ in_trash: undefined, archived: true })).toMatchObject({ inTrash: true, content: { isArchived: false } });
  });

  it('has dashed lower-case ids', () => {
    const row = parsed({
      id: bare(pageId),
      parent: { type: 'data_source_id', data_source_id: bare(sourceId), database_id: bare(databaseId) },
      properties: { Tasks: { id: 'r', type: 'relation', relation: [{ id: bare(otherPageId) }, { id: otherPageId }], has_more: false } },
    });
    expect(row).toMatchObject({ pageId, dataSourceId: sourceId, databaseId, content: { related: [otherPageId] } });
  });

  it.each([
    [{ type: 'page_id', page_id: otherPageId }, { type: 'page_id', id: otherPageId }, null],
    [{ type: 'database_id', database_id: databaseId }, { type: 'database_id', id: databaseId }, databaseId],
    [{ type: 'workspace', workspace: true }, { type: 'workspace', id: null }, null],
    [{ type: 'block_id', block_id: otherPageId }, { type: 'block_id', id: otherPageId }, null],
    [{ type: 'agent_of_tomorrow', agent_of_tomorrow: { id: 1 } }, { type: 'agent_of_tomorrow', id: null }, null],
    [{ type: 'constructor', database_id: 7 }, { type: 'constructor', id: null }, null],
  ])('is none when its parent is %j', (given, flat, database) => {
    expect(parsed({ parent: given })).toMatchObject({ parent: flat, dataSourceId: null, databaseId: database });
  });

  it('may not know its database', () => {
    expect(parsed({ parent: { type: 'data_source_id', data_source_id: sourceId } })).toMatchObject({
      dataSourceId: sourceId,
      databaseId: null,
    });
  });
});

describe('the value of a property', () => {
  it.each<[string, unknown, Partial<RowProperty>]>([
    ['title', richText('Road', 'map ', '🚀'), { value: 'Roadmap 🚀' }],
    ['title', [], { value: '' }],
    ['title', null, { value: '' }],
    ['rich_text', [...richText('see '), ...mentions(1)], { value: 'see m0' }],
    ['rich_text', [], { value: '' }],
    ['url', 'not even a URL', { value: 'not even a URL' }],
    ['url', null, { value: null }],
    ['email', 'ada@example.com', { value: 'ada@example.com' }],
    ['phone_number', '+49 30 1234', { value: '+49 30 1234' }],
    ['number', 1.5, { value: 1.5 }],
    ['number', 0, { value: 0 }],
    ['number', null, { value: null }],
    ['checkbox', true, { value: true }],
    ['checkbox', false, { value: false }],
    ['select', option('tC;=', 'High'), { value: 'High', optionId: 'tC;=' }],
    ['select', null, { value: null, optionId: null }],
    ['status', option('4f8c', 'In progress'), { value: 'In progress', optionId: '4f8c' }],
    ['status', null, { value: null, optionId: null }],
    ['multi_select', [option('a', 'A'), option('b', '$b.c')], { value: ['A', '$b.c'], optionIds: ['a', 'b'] }],
    ['multi_select', [], { value: [], optionIds: [] }],
    ['multi_select', null, { value: null, optionIds: [] }],
    [
      'date',
      { start: '2026-01-31', end: null, time_zone: null },
      { value: { start: '2026-01-31', end: null, timeZone: null }, startAt: day('2026-01-31'), endAt: null },
    ],
    [
      'date',
      { start: '2026-01-31T09:00:00.000+01:00', end: '2026-02-01T09:00:00.000+01:00', time_zone: null },
      {
        value: { start: '2026-01-31T09:00:00.000+01:00', end: '2026-02-01T09:00:00.000+01:00', timeZone: null },
        startAt: new Date('2026-01-31T08:00:00.000Z'),
        endAt: new Date('2026-02-01T08:00:00.000Z'),
      },
    ],
    [
      'date',
      { start: '2026-01-31T09:00:00.000', end: '2026-07-31T09:00:00.000', time_zone: 'Europe/Berlin' },
      {
        value: { start: '2026-01-31T09:00:00.000', end: '2026-07-31T09:00:00.000', timeZone: 'Europe/Berlin' },
        startAt: new Date('2026-01-31T08:00:00.000Z'),
        endAt: new Date('2026-07-31T07:00:00.000Z'),
      },
    ],
    [
      'date',
      { start: '2026-02-30', end: '2026-03-01T10:00:00', time_zone: 'Mars/Olympus' },
      { value: { start: '2026-02-30', end: '2026-03-01T10:00:00', timeZone: 'Mars/Olympus' }, startAt: null, endAt: null },
    ],
    ['date', null, { value: null, startAt: null, endAt: null }],
    [
      'people',
      [
        { object: 'user', id: userId },
        { object: 'group', id: 'g1', name: 'Team' },
      ],
      { value: [userId, 'g1'] },
    ],
    ['people', [], { value: [] }],
    ['created_by', { object: 'user', id: userId, type: 'person', person: {} }, { value: userId }],
    ['last_edited_by', null, { value: null }],
    [
      'files',
      [
        { name: 'a.png', type: 'file', file: signed('a.png') },
        { name: 'b', type: 'external', external: { url: 'https://example.com/b?page=2' } },
        { name: 'c', type: 'hologram', hologram: { depth: 3 } },
        { type: 'constructor' },
      ],
      {
        value: [
          { name: 'a.png', kind: 'file', url: 'https://files.example/a.png' },
          { name: 'b', kind: 'external', url: 'https://example.com/b?page=2' },
          { name: 'c', kind: 'hologram', url: null },
          { name: '', kind: 'constructor', url: null },
        ],
      },
    ],
    ['files', [], { value: [] }],
    ['relation', [{ id: otherPageId }, { id: pageId }], { value: [otherPageId, pageId] }],
    ['relation', [], { value: [] }],
    ['created_time', '2026-03-01T19:05:00.000Z', { value: new Date('2026-03-01T19:05:00.000Z') }],
    ['last_edited_time', 'some day', { value: null }],
    ['unique_id', { prefix: 'PRJ', number: 12 }, { value: 'PRJ-12', number: 12 }],
    ['unique_id', { prefix: null, number: 12 }, { value: '12', number: 12 }],
    ['unique_id', { prefix: 'PRJ', number: null }, { value: null, number: null }],
    ['unique_id', null, { value: null, number: null }],
    ['verification', verified, { value: verified, startAt: day('2026-01-01'), endAt: day('2026-04-01') }],
    [
      'verification',
      { state: 'unverified', date: null, verified_by: null },
      { value: { state: 'unverified', date: null, verified_by: null }, startAt: null, endAt: null },
    ],
    ['verification', { state: 'odd', date: [1] }, { value: { state: 'odd', date: [1] }, startAt: null, endAt: null }],
    ['verification', null, { value: null, startAt: null, endAt: null }],
    ['place', place, { value: place }],
    ['place', null, { value: null }],
    ['button', {}, { value: null }],
    ['hologram', { depth: [3], '$set.a': null }, { value: { depth: [3], '$set.a': null } }],
    ['constructor', 7, { value: 7 }],
    ['hologram', undefined, { value: null }],
  ])('%s: %j', (type, inner, expected) => {
    expect(property(type, inner)).toEqual(expected);
  });

  it.each<[string, unknown, Partial<RowProperty>]>([
    ['formula', { type: 'string', string: 'a' }, { value: 'a', resultType: 'string' }],
    ['formula', { type: 'string', string: null }, { value: null, resultType: 'string' }],
    ['formula', { type: 'number', number: 0 }, { value: 0, resultType: 'number' }],
    ['formula', { type: 'boolean', boolean: false }, { value: false, resultType: 'boolean' }],
    [
      'formula',
      { type: 'date', date: { start: '2026-01-31', end: null, time_zone: null } },
      { value: { start: '2026-01-31', end: null, timeZone: null }, startAt: day('2026-01-31'), endAt: null, resultType: 'date' },
    ],
    ['formula', { type: 'date', date: null }, { value: null, startAt: null, endAt: null, resultType: 'date' }],
    ['formula', { type: 'unsupported', unsupported: {} }, { value: null, resultType: 'unsupported' }],
    ['formula', null, { value: null, resultType: 'unsupported' }],
    ['formula', { type: 'matrix', matrix: [[1]] }, { value: [[1]], resultType: 'matrix' }],
    ['rollup', { type: 'number', number: 42, function: 'sum' }, { value: 42, resultType: 'number' }],
    ['rollup', { type: 'number', number: null, function: 'sum' }, { value: null, resultType: 'number' }],
    ['rollup', { type: 'date', date: null, function: 'date_range' }, { value: null, startAt: null, endAt: null, resultType: 'date' }],
    ['rollup', { type: 'unsupported', unsupported: {}, function: 'sum' }, { value: null, resultType: 'unsupported' }],
    ['rollup', { type: 'incomplete', incomplete: {}, function: 'sum' }, { value: null, resultType: 'incomplete' }],
    ['rollup', { type: 'array', array: [], function: 'show_original' }, { value: [], resultType: 'array' }],
  ])('%s: %j', (type, inner, expected) => {
    expect(property(type, inner)).toEqual({ ...expected, computed: true });
  });

  it.each<[string, readonly unknown[], RowProperty['value']]>([
    [
      'texts',
      [
        { type: 'title', title: richText('a', 'b') },
        { type: 'rich_text', rich_text: [] },
      ],
      ['ab', ''],
    ],
    [
      'numbers',
      [
        { type: 'number', number: 1 },
        { type: 'number', number: null },
      ],
      [1, null],
    ],
    [
      'options',
      [
        { type: 'select', select: option('a', 'A') },
        { type: 'multi_select', multi_select: [option('b', 'B')] },
      ],
      ['A', ['B']],
    ],
    ['dates', [{ type: 'date', date: { start: '2026-01-31', end: null } }], [{ start: '2026-01-31', end: null, timeZone: null }]],
    ['times', [{ type: 'created_time', created_time: '2026-03-01T19:05:00.000Z' }], [new Date('2026-03-01T19:05:00.000Z')]],
    [
      'times among others',
      [
        { type: 'created_time', created_time: '2026-03-01T19:05:00.000Z' },
        { type: 'url', url: 'u' },
      ],
      ['2026-03-01T19:05:00.000Z', 'u'],
    ],
    [
      'pages',
      [
        { type: 'relation', relation: [{ id: otherPageId }] },
        { type: 'relation', relation: [] },
      ],
      [[otherPageId], []],
    ],
    ['people', [{ type: 'people', people: people(25) }], [others.slice(0, 25)]],
    [
      'files',
      [{ type: 'files', files: [{ name: 'a', type: 'file', file: signed('a') }] }],
      [[{ name: 'a', kind: 'file', url: 'https://files.example/a' }]],
    ],
    [
      'results',
      [
        { type: 'formula', formula: { type: 'number', number: 2 } },
        { type: 'formula', formula: { type: 'unsupported' } },
      ],
      [2, null],
    ],
    [
      'unknown types',
      [
        { type: 'hologram', hologram: { depth: 3 } },
        { type: 'rollup', rollup: { type: 'number', number: 1 } },
      ],
      [{ depth: 3 }, { type: 'number', number: 1 }],
    ],
  ])('a rollup of %s holds bare values', (_, array, expected) => {
    expect(property('rollup', { type: 'array', array, function: 'show_original' })).toEqual({
      value: expected,
      resultType: 'array',
      computed: true,
    });
  });

  it.each<[string, string, unknown, Record<string, unknown>, boolean]>([
    ['a relation with more', 'relation', [{ id: otherPageId }], { has_more: true }, true],
    ['a relation of 25 pages without more', 'relation', people(25), { has_more: false }, false],
    ['a relation whose flag is odd', 'relation', [], { has_more: 'yes' }, false],
    ['25 people', 'people', people(25), {}, true],
    ['24 people', 'people', people(24), {}, false],
    ['a text with 25 mentions', 'rich_text', [...richText('a'), ...mentions(25)], {}, true],
    ['a text with 24 mentions', 'rich_text', [...richText('a', 'b'), ...mentions(24)], {}, false],
    ['a title with 25 mentions', 'title', mentions(25), {}, true],
    ['another type with more', 'files', [], { has_more: true }, false],
    ['a rollup of 25 people', 'rollup', { type: 'array', array: [{ type: 'people', people: people(25) }] }, { has_more: true }, false],
  ])('%s', (_, type, inner, more, isCut) => {
    const found = property(type, inner, more);
    expect('complete' in found ? found.complete : 'absent').toBe(isCut ? false : 'absent');
  });
});

describe('the properties of a row', () => {
  const hostile = ['b.c', '__proto__', '$where', '2024', 'constructor', 'a"\\{}:,', '', '😀', '1', '\u0000', 'Name', '-1', '01'];
  const expected = hostile.map((name, index) => [name, index]);

  it('keep their names and their order, whatever they are', () => {
    const row = value(parsePage(JSON.parse(pageText(hostile)) as JsonObject, () => pageText(hostile)));
    expect(pairs(row)).toEqual(expected);
    expect(JSON.stringify(row.content.raw)).toContain('"__proto__":{"id":"p1"');
  });

  it('have the same order in a list of pages', () => {
    const text = `{"object":"list","results":[${pageText(['2', 'b', '1'])},${pageText(hostile)}],"has_more":false}`;
    const { results } = JSON.parse(text) as { results: JsonObject[] };
    const rows = results.map((result, index) => value(parsePage(result, () => elementsAsWritten(text, 'results')[index]!)));
    expect(rows.map(pairs)).toEqual([
      [
        ['2', 0],
        ['b', 1],
        ['1', 2],
      ],
      expected,
    ]);
  });

  it('need the text of the page only when a name looks like a number', () => {
    expect(pairs(value(parsedWithoutText(['b', 'a'])))).toEqual([
      ['b', 0],
      ['a', 1],
    ]);
    expect(() => parsedWithoutText(['7'])).toThrow('asked');
  });

  it('with the title give the title of the row, wherever it is', () => {
    const properties = {
      title: { id: 'x', type: 'rich_text', rich_text: richText('no') },
      Wo: { id: 'title', type: 'title', title: richText('yes') },
    };
    expect(parsed({ properties }).content.title).toBe('yes');
  });

  it('name every related page once, also in a rollup', () => {
    const ids = fc.array(fc.constantFrom(...others.slice(0, 6)), { maxLength: 5 });
    fc.assert(
      fc.property(fc.array(ids, { maxLength: 4 }), fc.array(ids, { maxLength: 4 }), (relations, elements) => {
        const properties = {
          ...Object.fromEntries(relations.map((pages, index) => [`r${index}`, { id: `r${index}`, ...relationOf(pages) }])),
          rollup: { id: 'x', type: 'rollup', rollup: { type: 'array', array: elements.map(relationOf), function: 'show_original' } },
          people: { id: 'y', type: 'people', people: people(3) },
        };
        const { content } = parsed({ properties });
        const named = [...relations, ...elements].flat();
        expect(content.related).toEqual([...new Set(named)]);
        const shown: readonly unknown[] = content.properties.filter(({ type }) => type !== 'people').map((found): unknown => found.value);
        expect(new Set(shown.flat(2))).toEqual(new Set(content.related));
      }),
    );
  });
});

describe('an object that is not a readable page', () => {
  it('is partial when the token may not read content', () => {
    expect(read({ object: 'page', id: pageId })).toEqual({ kind: 'partial' });
    expect(read({ object: 'page', id: pageId, request_id: 'r' })).toEqual({ kind: 'partial' });
  });

  it('is no page when Notion calls it something else', () => {
    expect(read({ object: 'data_source', id: sourceId, parent: {}, properties: {} })).toEqual({
      kind: 'not_a_page',
      object: 'data_source',
    });
    expect(read({ object: 'of tomorrow' })).toEqual({ kind: 'not_a_page', object: 'of tomorrow' });
  });

  it.each<[string, unknown, string]>([
    ['an empty object', {}, 'object'],
    ['an id that is none', page({ id: 'a:b' }), 'id'],
    ['no parent', page({ parent: undefined }), 'parent'],
    ['a parent without a type', page({ parent: { page_id: pageId } }), 'a parent needs a type'],
    ['a data source without its id', page({ parent: { type: 'data_source_id', database_id: databaseId } }), 'data_source_id'],
    ['no properties', page({ properties: undefined }), 'properties'],
    ['properties in an array', page({ properties: [] }), 'properties'],
    ['a property without an id', page({ properties: { A: { type: 'number', number: 1 } } }), 'number 1) has no id or no type'],
    ['a property that is null', page({ properties: { A: null } }), 'number 1) has no id or no type'],
    [
      'an option without a name',
      page({ properties: { A: { id: 'a', type: 'status', status: { id: 'secret' } } } }),
      'number 1, of type status',
    ],
    ['a number in a text', page({ properties: { A: { id: 'a', type: 'title', title: 'secret' } } }), 'expected array'],
    ['a relation without ids', page({ properties: { A: { id: 'a', type: 'relation', relation: ['secret'] } } }), 'of type relation'],
    ['a result without a type', page({ properties: { A: { id: 'a', type: 'formula', formula: { secret: 1 } } } }), 'no type'],
    [
      'an odd element in a rollup',
      page({ properties: { A: { id: 'a', type: 'rollup', rollup: { type: 'array', array: [{ type: 'number', number: 'secret' }] } } } }),
      'array[0].number',
    ],
  ])('is malformed with %s, and the problem names the place but no value', (_, body, where) => {
    const reading = read(body);
    expect(reading).toEqual({ kind: 'malformed', problem: expect.stringContaining(where) as string });
    expect(JSON.stringify(reading)).not.toContain('secret');
  });

  const kinds = [
    'title',
    'rich_text',
    'url',
    'number',
    'checkbox',
    'select',
    'multi_select',
    'date',
    'people',
    'created_by',
    'files',
    'relation',
    'created_time',
    'unique_id',
    'formula',
    'rollup',
    'verification',
    'place',
    'button',
    'string',
    'boolean',
    'array',
    'external',
    'unsupported',
    'incomplete',
    '__proto__',
    'constructor',
    'tomorrow',
  ];
  const fields = [
    'type',
    'id',
    'name',
    'start',
    'end',
    'time_zone',
    'plain_text',
    'url',
    'expiry_time',
    'prefix',
    'has_more',
    'date',
    'data_source_id',
    ...kinds,
  ];
  /** JSON made of the words of a page, so that much of it fits somewhere. */
  const { json } = fc.letrec<{ json: unknown }>((tie) => ({
    json: fc.oneof(
      { depthSize: 'medium' },
      fc.constantFrom(
        null,
        true,
        0,
        -1,
        1e300,
        '',
        '\0',
        '2026-02-30',
        '2026-01-31T10:00',
        'Europe/Berlin',
        'data_source_id',
        ...kinds,
        ...others,
      ),
      fc.string({ unit: 'binary' }),
      fc.array(tie('json'), { maxLength: 4 }),
      fc.dictionary(fc.oneof(fc.constantFrom(...fields), fc.string()), tie('json'), { maxKeys: 6 }),
      fc.constantFrom(...kinds).chain((type) => tie('json').map((inner) => ({ id: 'a', type, [type]: inner }))),
    ),
  }));

  it('never makes parsing throw', () => {
    const bodies = fc.oneof(
      fc.dictionary(fc.constantFrom(...Object.keys(page()), 'other'), json),
      fc.dictionary(fc.constantFrom(...Object.keys(page())), json, { maxKeys: 2 }).map(page),
      fc.dictionary(fc.string(), json).map((properties) => page({ properties })),
    );
    const seen = new Set<string>();
    fc.assert(
      fc.property(bodies, (body) => {
        seen.add(read(body).kind);
      }),
      { numRuns: 2_000 },
    );
    expect([...seen].toSorted()).toEqual(['malformed', 'not_a_page', 'parsed', 'partial']);
  });

  it('may be nested as deep as JSON can be', () => {
    const deep = JSON.parse(`${'{"type":"rollup","rollup":{"type":"array","array":['.repeat(20_000)}${']}}'.repeat(20_000)}`) as JsonObject;
    const body = {
      ...page(),
      properties: { A: { id: 'a', ...deep }, B: { id: 'b', type: 'tomorrow', tomorrow: deep } },
    } as unknown as JsonObject;
    expect(parsePage(body, () => '').kind).toBe('parsed');
  });
});
