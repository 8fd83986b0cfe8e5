import type { JsonObject } from '@notion-mirror/domain/database-content';
import { describe, expect, it } from 'vitest';
import { container, databaseId, dataSource, otherSourceId, sourceId } from '../test/notion-samples.ts';
import {
  databaseContent,
  databaseHolding,
  parseDatabase,
  parseDataSource,
  parseSearchPage,
  type DataSourceSight,
  type ParsedDatabase,
  type ParsedDataSource,
} from './database-document.ts';
import type { Parsed } from './notion-object.ts';

function received(body: unknown): [JsonObject, string] {
  const text = JSON.stringify(body);
  return [JSON.parse(text) as JsonObject, text];
}

function value<T>(parsed: Parsed<T>): T {
  if (parsed.kind !== 'parsed') throw new Error(`not parsed: ${JSON.stringify(parsed)}`);
  return parsed.value;
}

function database(overrides: Record<string, unknown> = {}): ParsedDatabase {
  return value(parseDatabase(received(container(overrides))[0]));
}

function source(overrides: Record<string, unknown> = {}): ParsedDataSource {
  return value(parseDataSource(...received(dataSource(overrides))));
}

const richText = (...parts: string[]) => parts.map((part) => ({ type: 'text', text: { content: part }, plain_text: part, href: null }));

describe('the document of a Notion database', () => {
  it("is built from the samples in Notion's documentation", () => {
    const content = databaseContent(database(), new Map([[sourceId, source()]]));
    expect(content).toEqual({
      title: '',
      description: '',
      url: null,
      publicUrl: null,
      icon: null,
      cover: null,
      parent: { type: 'page_id', id: '255104cd-477e-808c-b279-d39ab803a7d2' },
      isInline: false,
      isLocked: false,
      createdTime: new Date('2025-08-07T17:11:07.504Z'),
      lastEditedTime: new Date('2025-08-10T22:53:11.386Z'),
      dataSources: [
        {
          id: sourceId,
          name: 'My Task Tracker',
          title: '',
          description: '',
          icon: null,
          cover: null,
          url: null,
          parent: { type: 'database_id', id: databaseId },
          createdTime: new Date('2021-07-08T23:50:00.000Z'),
          lastEditedTime: new Date('2021-07-08T23:50:00.000Z'),
          inTrash: false,
          properties: [
            { id: 'fk%5EY', name: 'In stock', type: 'checkbox', description: null, config: {} },
            { id: 'title', name: 'Name', type: 'title', description: null, config: {} },
          ],
        },
      ],
      raw: { database: container(), dataSources: [dataSource()] },
    });
  });

  it('has every field that Notion returns', () => {
    const file = { type: 'file', file: { url: 'https://s3.example/x?X-Amz-Signature=1', expiry_time: '2026-01-01T00:00:00.000Z' } };
    const container1 = database({
      title: richText('Road', 'map ', '🚀'),
      description: richText('what ', 'comes'),
      url: 'https://www.notion.so/x',
      public_url: 'https://acme.notion.site/x',
      icon: { type: 'emoji', emoji: '🚀' },
      cover: file,
      is_inline: true,
      is_locked: true,
      parent: { type: 'workspace', workspace: true },
      something_new: { deep: [1] },
    });
    const select = { options: [{ id: 'a', name: '$set', color: 'a_new_colour', description: null }] };
    const source1 = source({
      title: richText('Tasks'),
      description: richText('of ', 'all'),
      icon: file,
      url: 'https://www.notion.so/y',
      in_trash: true,
      properties: { Stage: { id: 'a%3Ab', name: 'Stage', type: 'select', select, description: 'where it is' } },
    });
    const content = databaseContent(container1, new Map([[sourceId, source1]]));
    expect(content).toMatchObject({
      title: 'Roadmap 🚀',
      description: 'what comes',
      url: 'https://www.notion.so/x',
      publicUrl: 'https://acme.notion.site/x',
      icon: { type: 'emoji', emoji: '🚀' },
      cover: file,
      isInline: true,
      isLocked: true,
      parent: { type: 'workspace', id: null },
      raw: { database: { something_new: { deep: [1] } } },
      dataSources: [
        {
          title: 'Tasks',
          name: 'My Task Tracker',
          description: 'of all',
          icon: file,
          url: 'https://www.notion.so/y',
          inTrash: true,
          properties: [{ id: 'a%3Ab', name: 'Stage', type: 'select', description: 'where it is', config: select }],
        },
      ],
    });
  });

  it.each([
    [
      { type: 'block_id', block_id: 'b1' },
      { type: 'block_id', id: 'b1' },
    ],
    [
      { type: 'database_id', database_id: 'd1' },
      { type: 'database_id', id: 'd1' },
    ],
    [
      { type: 'data_source_id', data_source_id: 's1', database_id: 'd1' },
      { type: 'data_source_id', id: 's1' },
    ],
    [
      { type: 'workspace', workspace: true },
      { type: 'workspace', id: null },
    ],
    [
      { type: 'agent_of_tomorrow', agent_of_tomorrow: { id: 1 } },
      { type: 'agent_of_tomorrow', id: null },
    ],
    [{ type: 'constructor' }, { type: 'constructor', id: null }],
  ])('flattens the parent %j', (given, parent) => {
    expect(database({ parent: given }).content.parent).toEqual(parent);
  });

  it('reads in_trash, and archived where in_trash is missing', () => {
    expect(database({ in_trash: true }).inTrash).toBe(true);
    expect(database({ in_trash: undefined, archived: true }).inTrash).toBe(true);
    expect(database({ in_trash: false, archived: true }).inTrash).toBe(false);
    expect(database({ in_trash: undefined }).inTrash).toBe(false);
  });

  it('keeps every property, whatever its name, and their order', () => {
    const names = [
      'b.c',
      '__proto__',
      '$where',
      '2024',
      'constructor',
      'a"\\{}:,',
      '',
      '😀',
      'toString',
      '1',
      'hasOwnProperty',
      '\u0000',
      'Name',
      '-1',
      '01',
    ];
    const entries = names.map((name, index) => {
      const property = { id: `p${index}`, name, type: 'rich_text', rich_text: { index } };
      return `${JSON.stringify(name)}:${JSON.stringify(property)}`;
    });
    const text = JSON.stringify(dataSource()).replace(/"properties":\{.*\}\},"parent"/, `"properties":{${entries.join(',')}},"parent"`);
    const { content, raw } = value(parseDataSource(JSON.parse(text) as JsonObject, text));
    expect(content.properties.map(({ name }) => name)).toEqual(names);
    expect(content.properties.map(({ config }) => config)).toEqual(names.map((_, index) => ({ index })));
    expect(JSON.stringify(raw)).toContain('"__proto__":{"id":"p1"');
  });

  it('accepts unknown types of properties', () => {
    const properties = {
      A: { id: 'a', name: 'A', type: 'hologram', hologram: { depth: 3 } },
      B: { id: 'b', name: 'B', type: 'constructor' },
      C: { id: 'c', name: 'C', type: 'button', button: null, description: 7 },
    };
    expect(source({ properties }).content.properties).toEqual([
      { id: 'a', name: 'A', type: 'hologram', description: null, config: { depth: 3 } },
      { id: 'b', name: 'B', type: 'constructor', description: null, config: null },
      { id: 'c', name: 'C', type: 'button', description: null, config: null },
    ]);
  });

  it('lists a source that cannot be read, in its place', () => {
    const both = database({
      data_sources: [
        { id: otherSourceId, name: 'Secret' },
        { id: sourceId, name: 'Open' },
      ],
    });
    const content = databaseContent(
      both,
      new Map<string, DataSourceSight>([
        [otherSourceId, { hidden: true, reason: null, mayHaveLeft: true }],
        [sourceId, source()],
      ]),
    );
    expect(content.dataSources[0]).toEqual({ id: otherSourceId, name: 'Secret', accessible: false });
    expect(content.dataSources[1]).toMatchObject({ id: sourceId, name: 'Open' });
    expect(content.raw.dataSources).toEqual([dataSource()]);
  });

  it('distinguishes a partial object from a malformed one', () => {
    expect(parseDatabase({ object: 'database', id: databaseId })).toEqual({ kind: 'partial' });
    expect(parseDatabase({ object: 'database', id: databaseId, request_id: 'r' })).toEqual({ kind: 'partial' });
    expect(parseDataSource(...received({ object: 'data_source', id: sourceId }))).toEqual({ kind: 'partial' });
    expect(parseDatabase(received(container({ data_sources: undefined }))[0])).toMatchObject({ kind: 'malformed' });
    expect(parseDatabase(received(container({ title: 'text' }))[0])).toMatchObject({ kind: 'malformed' });
    expect(parseDatabase(received(dataSource())[0])).toMatchObject({ kind: 'malformed' });
    expect(parseDataSource(...received(dataSource({ properties: { A: { name: 'A' } } })))).toMatchObject({ kind: 'malformed' });
    expect(parseDatabase({})).toMatchObject({ kind: 'malformed' });
  });

  it('knows which database holds a data source', () => {
    expect(databaseHolding(source())).toBe(databaseId);
    expect(databaseHolding(source({ parent: { type: 'data_source_id', data_source_id: 's', database_id: 'd1' } }))).toBe('d1');
    expect(databaseHolding(source({ parent: { type: 'page_id', page_id: 'p1' } }))).toBeNull();
  });

  it('reads the data sources of a page of search results', () => {
    const page = {
      object: 'list',
      results: [dataSource(), { object: 'data_source', id: otherSourceId }, { object: 'page', id: 'p1', parent: { type: 'workspace' } }],
      has_more: true,
      next_cursor: 'c2',
      type: 'page_or_data_source',
      page_or_data_source: {},
    };
    expect(value(parseSearchPage(received(page)[0]))).toEqual({
      found: [
        { dataSourceId: sourceId, databaseId, lastEditedTime: new Date('2021-07-08T23:50:00.000Z'), raw: dataSource() },
        { dataSourceId: otherSourceId, databaseId: null, lastEditedTime: null, raw: { object: 'data_source', id: otherSourceId } },
      ],
      nextCursor: 'c2',
    });
    expect(value(parseSearchPage(received({ ...page, has_more: false })[0])).nextCursor).toBeNull();
    expect(parseSearchPage({ object: 'list' })).toMatchObject({ kind: 'malformed' });
  });
});
