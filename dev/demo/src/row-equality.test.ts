import type { TrueRow } from '@notion-mirror/emulators/notion/truth';
import { describe, expect, test } from 'vitest';
import { contentsDifferences, rowDifferences } from './row-equality.ts';

const databaseId = '11111111-1111-4111-8111-111111111111';
const dataSourceId = '22222222-2222-4222-8222-222222222222';
const pageId = '33333333-3333-4333-8333-333333333333';
const people = Array.from({ length: 30 }, (_, index) => ({ object: 'user', id: `person ${index}` }));

function trueRow(more: Record<string, string | boolean> = {}): TrueRow {
  return {
    dataSourceId,
    page: {
      object: 'page',
      id: pageId,
      parent: { type: 'data_source_id', data_source_id: dataSourceId, database_id: databaseId },
      created_time: '2026-01-01T00:00:00.000Z',
      properties: {
        Hours: { id: 'h', type: 'number', number: 7 },
        Who: { id: 'w', type: 'people', people: people.slice(0, 25) },
      },
      in_trash: false,
      is_archived: false,
      ...more,
    },
    whole: { w: people },
  };
}

/** What the mirror is to hold of it, as docs/data-model.md says. */
function document() {
  return {
    workspaceId: 'acme',
    pageId,
    databaseId,
    dataSourceId,
    title: '',
    url: null,
    publicUrl: null,
    icon: null,
    cover: null,
    isArchived: false,
    isLocked: false,
    createdTime: new Date('2026-01-01T00:00:00Z'),
    lastEditedTime: null,
    createdBy: null,
    lastEditedBy: null,
    properties: [
      { id: 'h', name: 'Hours', type: 'number', value: 7 },
      { id: 'w', name: 'Who', type: 'people', value: people.map(({ id }) => id) },
    ],
    related: [],
    raw: { ...trueRow().page, request_id: 'of one answer' },
    rev: 3,
    seenBy: 'query',
  };
}

describe('rows', () => {
  test('are equal, with the whole values of what a page object cuts off, and whatever their bookkeeping', () => {
    expect(rowDifferences('acme', [document()], [trueRow()])).toEqual([]);
  });

  test('differ in fields, in values and in raw', () => {
    const mirrored = document();
    const cut = { ...mirrored, properties: [mirrored.properties[0], { ...mirrored.properties[1], value: [], complete: false }] };
    const fields = (documents: object[], truth = trueRow()) =>
      rowDifferences('acme', documents as ReturnType<typeof document>[], [truth]).map(({ field }) => field);
    expect(fields([cut])).toEqual(expect.arrayContaining(['properties[w].complete', 'properties[w].value[0]']));
    expect(fields([mirrored], trueRow({ is_archived: true }))).toEqual(['isArchived', 'raw.is_archived']);
    expect(fields([{ ...mirrored, workspaceId: 'globex' }])).toEqual(['workspaceId']);
  });

  test('are missing, or too many', () => {
    expect(rowDifferences('acme', [], [trueRow()])).toEqual([
      { databaseId, pageId, field: 'document', mirror: 'missing', notion: 'present' },
    ]);
    expect(rowDifferences('acme', [document()], [])).toEqual([
      { databaseId, pageId, field: 'document', mirror: 'present', notion: 'missing' },
    ]);
  });
});

describe('the contents of data sources', () => {
  const databases = [{ database: { id: databaseId }, dataSources: [{ id: dataSourceId, name: 'Tasks', answer: {} }] }];
  const complete = { dataSourceId, databaseId, state: 'complete', truncated: [], rows: { live: 0, archived: 1 } };
  const fields = (documents: object[], options = { withCounts: true }) =>
    contentsDifferences(documents as Record<string, unknown>[], databases, [trueRow({ is_archived: true })], options).map(
      ({ field }) => field.split('].')[1] ?? field,
    );

  test('are complete, with the right counts', () => {
    expect(fields([complete])).toEqual([]);
    expect(fields([{ ...complete, rows: { live: 1, archived: 0 } }])).toEqual(['rows.live', 'rows.archived']);
    expect(fields([{ ...complete, rows: null }], { withCounts: false })).toEqual([]);
    expect(fields([{ ...complete, state: 'scanning' }])).toEqual(['state']);
    expect(fields([{ ...complete, truncated: [{}] }])).toEqual(['truncated[0]']);
  });

  test('have one document for each data source that can be read', () => {
    expect(fields([])).toEqual(['databaseId', 'state', 'truncated', 'rows']);
    expect(fields([complete, { ...complete, dataSourceId: 'another' }])).toEqual(['data_source_contents[another]']);
    const unreadable = [{ database: { id: databaseId }, dataSources: [{ id: dataSourceId, name: 'Tasks', answer: null }] }];
    expect(contentsDifferences([], unreadable, [], { withCounts: true })).toEqual([]);
  });
});
