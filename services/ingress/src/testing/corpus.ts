import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { pathsOf, type Path } from './json-paths.ts';
import { databaseDeleted, databaseEvents, linkedDatabaseCreated, otherEvents, rowEvents, type NotionBody } from './samples.ts';

// Untrusted input for tests. Every body is invalid in its own way, or valid but easily mistaken for invalid.

/** The expected answer to a signed body: the reason if there is one, otherwise the status. */
export type Word =
  | 'quarantined'
  | 'unsupported_event_type'
  | 'no_active_connection'
  | 'linked_database'
  | 'not_a_row'
  | 'accepted'
  | 'handled';

export interface BadBody {
  readonly name: string;
  readonly raw: Buffer;
  readonly nango: Word;
  readonly notion: Word;
}

const mebibyte = 2 ** 20;
const unconnectedWorkspace = '00000000-0000-4000-8000-000000000000';
/** Valid in every respect, from a workspace without a connection. */
const sound: NotionBody = { ...databaseDeleted, workspace_id: unconnectedWorkspace };

const textOf = (change: Readonly<Record<string, unknown>> = {}): string => JSON.stringify({ ...sound, ...change });
const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
const wrapped = (change: Readonly<Record<string, unknown>>): string =>
  JSON.stringify({ connectionId: 'c-unknown', from: 'notion', payload: sound, providerConfigKey: 'notion', type: 'forward', ...change });
/** Insert members at the start, or at the end, of the object. */
const withFirst = (members: string): string => `{${members},${textOf().slice(1)}`;
const withLast = (members: string): string => `${textOf().slice(0, -1)},${members}}`;
const filledUp = (bytes: number): string => textOf({ filler: 'x'.repeat(bytes - textOf({ filler: '' }).length) });

const both = (answer: Word, bodies: Readonly<Record<string, string | Buffer>>): BadBody[] =>
  Object.entries(bodies).map(([name, raw]) => ({ name, raw: Buffer.from(raw as string), nango: answer, notion: answer }));
/** Only Nango wraps bodies; on Notion's own route a wrapper is an event of an unknown type. */
const wrapper = (answer: Word, bodies: Readonly<Record<string, string>>): BadBody[] =>
  both(answer, bodies).map((body) => ({ ...body, notion: 'unsupported_event_type' }));

export const badBodies: readonly BadBody[] = [
  ...both('quarantined', {
    nothing: '',
    'one space': ' ',
    'one NUL': '\0',
    'a NUL after the object': `${textOf()}\0`,
    'half an object': textOf().slice(0, 300),
    'two objects': textOf() + textOf(),
    'a list around it': `[${textOf()}]`,
    'a string that holds it': JSON.stringify(textOf()),
    null: 'null',
    true: 'true',
    'a number': '0',
    'a trailing comma': withLast('"more":1,').replace(/,}$/, '},'),
    'a comment': `/* */${textOf()}`,
    NaN: '{"type":NaN}',
    'an anti-hijacking prefix': `)]}',\n${textOf()}`,
    'a form': 'type=database.deleted&id=1',
    XML: '<!DOCTYPE x [<!ENTITY a "&#x41;">]><type>&a;</type>',
    'no type': textOf({ type: undefined }),
    'an empty object': '{}',
  }),
  ...both('quarantined', {
    '201 levels': `{"type":"page.created","data":${nested(200)}}`,
    '10,001 levels': withFirst(`"data":${nested(10_001)}`),
    'half a million levels': nested(mebibyte / 2),
    'half a million unclosed levels': '['.repeat(mebibyte),
    'objects in objects': '{"a":'.repeat(100_000),
    '1 MiB of spaces': ' '.repeat(mebibyte),
    '1 MiB of NULs': Buffer.alloc(mebibyte),
    '1 MiB of digits': '7'.repeat(mebibyte),
    '1 MiB of quotes': '"'.repeat(mebibyte),
    '1 MiB of backslashes': `"${'\\'.repeat(mebibyte - 1)}`,
    'an id of 1 MiB': textOf({ id: 'a'.repeat(mebibyte - 1_000) }),
    'a time of 1 MiB': textOf({ timestamp: '2024-12-05T23:51:27.'.padEnd(mebibyte - 1_000, '0') }),
    '60,000 keys': `{${Array.from({ length: 60_000 }, (_, index) => `"key ${index}":0`).join(',')}}`,
  }),
  ...both('no_active_connection', {
    'exactly 1 MiB': filledUp(mebibyte),
    '200 levels': withFirst(`"deep":${nested(199)}`),
    'half a million readers': textOf({ accessible_by: [] }).replace(
      '"accessible_by":[]',
      `"accessible_by":[${'0,'.repeat((mebibyte - 1_000) / 2)}0]`,
    ),
    'a UTF-8 byte order mark': `\uFEFF${textOf()}`,
    'white space around it': `\r\n\t ${textOf()} \n`,
    'escapes instead of letters': textOf().replaceAll('e', '\\u0065'),
  }),
  ...both('quarantined', {
    'UTF-16, little endian': Buffer.from(textOf(), 'utf16le'),
    'UTF-16 with a byte order mark': Buffer.from(`\uFEFF${textOf()}`, 'utf16le'),
    'UTF-16, big endian': Buffer.from(`\uFEFF${textOf()}`, 'utf16le').swap16(),
    'Latin-1': Buffer.from(textOf({ workspace_name: 'Café' }), 'latin1'),
    'a truncated UTF-8 sequence': Buffer.concat([Buffer.from(textOf({ workspace_name: 'x' }).slice(0, -2)), Buffer.from([0xe2, 0x82])]),
    'an overlong slash': Buffer.concat([Buffer.from('{"type":"'), Buffer.from([0xc0, 0xaf]), Buffer.from('"}')]),
    'a surrogate in UTF-8': Buffer.concat([Buffer.from('{"type":"'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"}')]),
    'unannounced gzip': gzipSync(textOf()),
    'unannounced deflate': deflateSync(textOf()),
    'unannounced brotli': brotliCompressSync(textOf()),
  }),
  ...both('quarantined', {
    'the type twice, an operator last': withLast('"type":{"$gt":""}'),
    'the workspace twice, an operator last': withLast('"workspace_id":{"$ne":null}'),
    'the entity twice, none last': withLast('"entity":null'),
    'a type from the prototype': '{"__proto__":{"type":"database.deleted"}}',
    'everything from the prototype': `{"__proto__":${textOf()}}`,
    'everything from the constructor': `{"constructor":{"prototype":${textOf()}}}`,
    'an id from the prototype': textOf({ id: undefined }).replace('{', '{"__proto__":{"id":"c00e2ea7-032a-4e20-ae05-d69028a09ae9"},'),
    'an operator as the id': textOf({ id: { $gt: '' } }),
    'an operator as the workspace': textOf({ workspace_id: { $ne: null } }),
    'an operator as the entity': textOf({ entity: { $where: 'sleep(1000)' } }),
    'an operator as the id of the entity': textOf({ entity: { id: { $regex: '.*' }, type: 'database' } }),
    'an operator as the time': textOf({ timestamp: { $date: 0 } }),
    'an operator in a string': textOf({ workspace_id: '{"$gt":""}' }),
    'a list of workspaces': textOf({ workspace_id: [unconnectedWorkspace] }),
    'a NUL in the id': textOf({ id: `${sound.id}\0` }),
    'a NUL before the workspace': textOf({ workspace_id: `\0${unconnectedWorkspace}` }),
    'a lone surrogate as the workspace': textOf().replace(unconnectedWorkspace, '\\ud800'),
    'a number as the workspace': textOf({ workspace_id: 1e308 }),
    'an infinite number as the time': textOf({ timestamp: 0 }).replace('"timestamp":0', '"timestamp":1e999'),
    'a time before Notion': textOf({ timestamp: '0000-01-01T00:00:00Z' }),
    'an id with look-alike characters': textOf({ workspace_id: unconnectedWorkspace.replace('0', '٠') }),
  }),
  ...both('no_active_connection', {
    'the type twice, an operator first': withFirst('"type":{"$gt":""}'),
    'the workspace twice, an operator first': withFirst('"workspace_id":{"$gt":""}'),
    'keys of the prototype': withFirst(
      '"__proto__":{"workspace_id":"x"},"constructor":{"prototype":{}},"toString":1,"hasOwnProperty":null',
    ),
    'operators as keys': withLast('"$where":"sleep(1000)","a.b":1,"":2,"\\u0000":3'),
    'operators among the readers': textOf({
      accessible_by: [
        { id: { $gt: '' }, type: 'bot' },
        { __proto__: null, id: {}, type: {} },
      ],
    }),
    'an operator as the parent': textOf({ data: { parent: { id: { $gt: '' }, type: 'database' } } }),
    'huge numbers': withLast(`"a":1e999,"b":-1e999,"c":${'9'.repeat(5_000)},"d":-0,"e":1e-999`),
    'the last representable day': textOf({ timestamp: '9999-12-31T23:59:59.999-23:59' }),
    'NULs and surrogates in strings': withLast('"workspace_name":"\\u0000\\ud800\\udfff\\uffff"'),
  }),
  ...both('unsupported_event_type', {
    'an empty type': '{"type":""}',
    'the type __proto__': '{"type":"__proto__"}',
    'the type constructor': '{"type":"constructor","id":{"$gt":""}}',
    'NULs as the type': '{"type":"\\u0000\\u0000"}',
    'a lone surrogate as the type': '{"type":"\\ud800"}',
    'a type of 1 MiB': textOf({ type: 'x'.repeat(mebibyte - 1_000) }),
    'a type with line breaks': '{"type":"database.deleted\\r\\n{\\"level\\":\\"fatal\\"}"}',
    'a type in capitals': textOf({ type: 'DATABASE.DELETED' }),
  }),
  ...both('quarantined', {
    'a row without a parent': textOf({ type: 'page.created', data: undefined }),
    'an operator as the parent of a row': textOf({ type: 'page.created', data: { parent: { $gt: '' } } }),
    'an operator as the type of the parent': textOf({ type: 'page.locked', data: { parent: { type: { $ne: null } } } }),
    'an operator as the database of a row': textOf({ type: 'page.undeleted', data: { parent: { id: { $gt: '' }, type: 'database' } } }),
    'a parent from the prototype': `{"type":"page.created","data":{"__proto__":{"parent":{"type":"page"}}}}`,
    'an operator as the id of a deleted page': textOf({ type: 'page.deleted', entity: { id: { $gt: '' }, type: 'page' } }),
  }),
  ...both('not_a_row', {
    'a page elsewhere, full of operators': '{"type":"page.created","data":{"parent":{"type":"page","id":{"$gt":""}}},"id":{"$ne":null}}',
  }),
  ...both('no_active_connection', {
    'a deleted page with an operator as its parent': textOf({ type: 'page.deleted', data: { parent: { $gt: '' } } }),
    'an operator as the data source of a row': textOf({
      type: 'page.created',
      data: { parent: { id: unconnectedWorkspace, type: 'database', data_source_id: { $gt: '' } } },
    }),
  }),
  ...both('linked_database', { 'a linked database': JSON.stringify(linkedDatabaseCreated) }),
  ...wrapper('quarantined', {
    'wrapped: an operator as the connection': wrapped({ connectionId: { $gt: '' } }),
    'wrapped: a list of connections': wrapped({ connectionId: ['c-unknown'] }),
    'wrapped: an operator as the integration': wrapped({ providerConfigKey: { $ne: null } }),
    'wrapped: no integration': wrapped({ providerConfigKey: null }),
    'wrapped: a long connection': wrapped({ connectionId: 'c'.repeat(1_025) }),
    'wrapped: no payload': wrapped({ payload: null }),
    'wrapped: a payload in a string': wrapped({ payload: textOf() }),
    'wrapped: an operator as the workspace': wrapped({ payload: { ...sound, workspace_id: { $gt: '' } } }),
  }),
  ...wrapper('no_active_connection', {
    'wrapped: the connection __proto__': wrapped({ connectionId: '__proto__' }),
    'wrapped: a NUL in the connection': wrapped({ connectionId: 'c-unknown\0' }),
    'wrapped: a lone surrogate as the connection': wrapped({ connectionId: '?' }).replace('"?"', '"\\ud800"'),
    'wrapped: a foreign integration': wrapped({ providerConfigKey: '$notion' }),
    'wrapped: the connection twice': wrapped({}).replace('{', '{"connectionId":{"$gt":""},'),
  }),
  ...wrapper('unsupported_event_type', { 'wrapped: a wrapper': wrapped({ payload: JSON.parse(wrapped({})) as unknown }) }),
  // Nango's notice about a connection is only logged, whatever it contains.
  ...both('handled', {
    'about a connection': '{"type":"auth","operation":{"$gt":""},"success":"yes","connectionId":{"$ne":null},"__proto__":{"success":true}}',
    'about a connection, with NULs': '{"type":"auth","operation":"\\u0000","success":true,"connectionId":"\\ud800"}',
  }).map((body): BadBody => ({ ...body, notion: 'unsupported_event_type' })),
];

/** Valid bodies with invalid headers, refused before the signature is checked. */
export const badHeadings: readonly {
  readonly name: string;
  readonly raw: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  readonly status: 413 | 415;
}[] = [
  ...[
    'text/plain',
    'text/json',
    'application/jsonp',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/octet-stream',
    'application/json, text/plain',
    'application/json; charset=utf-16',
    'application/json; charset=latin1',
    'application/json; charset=',
    '',
    '__proto__',
    'x'.repeat(10_000),
  ].map((type) => ({
    name: `content type ${JSON.stringify(type.slice(0, 40))}`,
    raw: Buffer.from(textOf()),
    headers: { 'content-type': type },
    status: 415 as const,
  })),
  ...(
    [
      ['gzip', gzipSync(textOf())],
      ['x-gzip', gzipSync(textOf())],
      ['deflate', deflateSync(textOf())],
      ['br', brotliCompressSync(textOf())],
      ['gzip, gzip', gzipSync(gzipSync(textOf()))],
      ['gzip', gzipSync(Buffer.alloc(200 * mebibyte))],
      ['identity, gzip', gzipSync(textOf())],
      ['utf-8', Buffer.from(textOf())],
    ] as const
  ).map(([encoding, raw]) => ({
    name: `${raw.length} bytes of content encoding ${encoding}`,
    raw,
    headers: { 'content-type': 'application/json', 'content-encoding': encoding },
    status: 415 as const,
  })),
  ...[mebibyte + 1, 3 * mebibyte].map((bytes) => ({
    name: `${bytes} bytes`,
    raw: Buffer.from(filledUp(bytes)),
    headers: { 'content-type': 'application/json' },
    status: 413 as const,
  })),
];

/** JSON that is invalid wherever it is inserted. */
const hostileText = fc.oneof(
  fc.constantFrom(
    '{"$gt":""}',
    '{"$ne":null}',
    '{"$where":"sleep(1000)"}',
    '{"$regex":".*"}',
    '{"__proto__":{"status":"active"}}',
    '{"constructor":{"prototype":{"type":"database"}}}',
    '"__proto__"',
    '"$gt"',
    '"\\u0000"',
    '"\\ud800"',
    '"\\udfff\\ud800"',
    '"c-acme\\u0000"',
    'null',
    'true',
    '""',
    '[]',
    '{}',
    '-0',
    '1e999',
    '9007199254740993',
    '9'.repeat(400),
    '"bot"',
    '"database"',
    '"block"',
    '"forward"',
    '"auth"',
    '"0000-01-01T00:00:00Z"',
    '"9999-12-31T23:59:59.999-23:59"',
    nested(195),
    nested(201),
    nested(10_001),
  ),
  fc.json({ depthSize: 'small' }),
  fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text)),
);

const hostileKey = fc.oneof(
  fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString', '$where', '$gt', '', '\0', '\ud800', 'a.b'),
  // Existing keys, which then occur twice with contradicting values.
  fc.constantFrom('id', 'type', 'workspace_id', 'entity', 'timestamp', 'data', 'accessible_by', 'payload', 'connectionId', 'from'),
);

interface Change {
  readonly path: Path;
  readonly how: 'replace' | 'add first' | 'add last';
  readonly key: string;
  readonly text: string;
}

/**
 * Webhooks of every type, raw and wrapped, with up to three parts replaced or duplicated. `connectionIds`, `notionWorkspaceIds`:
 * the ids they may claim.
 */
export function changedWebhooks(claims: {
  readonly connectionIds: readonly string[];
  readonly notionWorkspaceIds: readonly string[];
}): fc.Arbitrary<Buffer> {
  const body = fc
    .record({
      event: fc.constantFrom<unknown>(...databaseEvents, ...databaseEvents, linkedDatabaseCreated, ...otherEvents, ...rowEvents),
      connectionId: fc.option(fc.constantFrom(...claims.connectionIds)),
      notionWorkspaceId: fc.constantFrom(...claims.notionWorkspaceIds),
      id: fc.uuid(),
      isWrapped: fc.boolean(),
    })
    .map(({ event, connectionId, notionWorkspaceId, id, isWrapped }) => {
      const payload = { ...(event as object), id, workspace_id: notionWorkspaceId };
      return isWrapped ? { connectionId, from: 'notion', payload, providerConfigKey: 'notion', type: 'forward' } : payload;
    });
  return body.chain((value) => {
    const change = fc.record({
      path: fc.constantFrom(...pathsOf(value)),
      how: fc.constantFrom('replace' as const, 'add first' as const, 'add last' as const),
      key: hostileKey,
      text: hostileText,
    });
    return fc.array(change, { maxLength: 3 }).map((changes) => Buffer.from(written(value, [], changes)));
  });
}

/** JSON.stringify with changes that JSON can express and an object cannot. */
function written(value: unknown, path: Path, changes: readonly Change[]): string {
  const here = changes.filter((change) => change.path.join('/') === path.join('/'));
  const replaced = here.find(({ how }) => how === 'replace');
  if (replaced !== undefined) return replaced.text;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const inner = Object.entries(value).map(([key, each]) => [key, written(each, [...path, key], changes)] as const);
  if (Array.isArray(value)) return `[${inner.map(([, text]) => text).join(',')}]`;
  const added = (how: Change['how']) => here.filter((change) => change.how === how).map(({ key, text }) => [key, text] as const);
  const members = [...added('add first'), ...inner, ...added('add last')].map(([key, text]) => `${JSON.stringify(key)}:${text}`);
  return `{${members.join(',')}}`;
}

/** Arbitrary bytes and arbitrary JSON. */
export const anyBody: fc.Arbitrary<Buffer> = fc.oneof(
  fc.uint8Array({ maxLength: 2_000 }).map((bytes) => Buffer.from(bytes)),
  fc.json({ depthSize: 'large' }).map((text) => Buffer.from(text)),
  fc.string({ unit: 'binary' }).map((text) => Buffer.from(text, 'utf16le')),
  fc.string({ unit: 'binary' }).map((text) => Buffer.from(text, 'latin1')),
);
