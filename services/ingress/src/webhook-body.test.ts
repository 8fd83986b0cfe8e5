import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { functionCalls } from './testing/function-calls.ts';
import { pathsOf, replaceAt } from './testing/json-paths.ts';
import {
  authCreation,
  databaseDeleted,
  databaseEvents,
  dataSourceCreated,
  forwardedSchemaUpdate,
  handshake,
  linkedDatabaseCreated,
  notionToken,
  otherEvents,
  rowEvents,
} from './testing/samples.ts';
import * as webhookBody from './webhook-body.ts';
import type { Route, Webhook } from './webhook-body.ts';

const routes: readonly Route[] = ['nango', 'notion'];

const readWebhook = (route: Route, raw: Buffer, rows: 'on' | 'off' = 'on'): Webhook => webhookBody.readWebhook(route, raw, rows);
const read = (route: Route, body: unknown, rows?: 'on' | 'off'): Webhook =>
  readWebhook(route, Buffer.from(JSON.stringify(body) ?? ''), rows);

const forwarded = (payload: unknown, wrapper: Record<string, unknown> = {}) => ({
  connectionId: 'c-1',
  from: 'notion',
  payload,
  providerConfigKey: 'notion',
  type: 'forward',
  ...wrapper,
});

const nested = (levels: number) => Buffer.from(`${'['.repeat(levels)}${']'.repeat(levels)}`);

describe('an event about a database', () => {
  test('is read when wrapped, byte for byte as Nango sends it', () => {
    expect(readWebhook('nango', forwardedSchemaUpdate)).toEqual({
      kind: 'database_event',
      connection: { connectionId: '4f7f7b8e-0c55-4b0e-9f0e-2f6d1f6f8a11', providerConfigKey: 'notion' },
      notice: {
        eventId: '5496f509-6988-4bab-b6a9-bdce0b720ca0',
        type: 'data_source.schema_updated',
        kind: 'sync',
        notionWorkspaceId: '13950b26-c203-4f3b-b97d-93ec06319565',
        databaseId: '263104cd-477e-80ef-8afe-c488d39a5cdb',
        dataSourceId: '263104cd-477e-804b-8c32-000b2fcd241a',
        pageId: null,
        occurredAt: new Date('2026-01-05T23:55:22.243Z'),
        accessibleBy: [],
      },
    });
  });

  test('of a delete yields its database and the bots that could read it, not the people', () => {
    expect(read('notion', databaseDeleted)).toEqual({
      kind: 'database_event',
      connection: null,
      notice: {
        eventId: 'c00e2ea7-032a-4e20-ae05-d69028a09ae9',
        type: 'database.deleted',
        kind: 'delete',
        notionWorkspaceId: '13950b26-c203-4f3b-b97d-93ec06319565',
        databaseId: '153104cd-477e-80eb-ae76-e1c2a32c7b35',
        dataSourceId: null,
        pageId: null,
        occurredAt: new Date('2024-12-05T23:51:27.295Z'),
        accessibleBy: ['1edc05f6-2702-81b5-8408-00279347f034'],
      },
    });
  });

  test.each(databaseEvents.map((body) => [body.type, body] as const))('%s is read the same in all its forms', (type, body) => {
    const direct = read('notion', body);
    if (direct.kind !== 'database_event') throw new Error(direct.kind);
    expect(direct.connection).toBeNull();
    expect(direct.notice).toMatchObject({ type, eventId: body.id, kind: type === 'database.deleted' ? 'delete' : 'sync' });
    expect(type.startsWith('database.') ? direct.notice.databaseId : direct.notice.dataSourceId).toBe(body.entity.id);
    expect(read('nango', body)).toEqual(direct);
    expect(read('nango', forwarded(body, { connectionId: undefined }))).toEqual(direct);
    expect(read('nango', forwarded(body))).toEqual({ ...direct, connection: { connectionId: 'c-1', providerConfigKey: 'notion' } });
  });

  test('uses the parent of a data source as a hint only when Notion calls it a database', () => {
    expect(hint({ parent: { id: '263104CD477E80EF8AFEC488D39A5CDB', type: 'database' } })).toBe('263104cd-477e-80ef-8afe-c488d39a5cdb');
    for (const type of ['page', 'space', 'block', 'team', 'agent']) {
      expect(hint({ parent: { id: '263104cd-477e-80ef-8afe-c488d39a5cdb', type } })).toBeNull();
    }
    for (const data of [
      undefined,
      null,
      'x',
      [],
      {},
      { parent: null },
      { parent: { type: 'database' } },
      { parent: { type: 'database', id: 'x' } },
    ]) {
      expect(hint(data)).toBeNull();
    }
  });

  test('dashless and upper-case ids become canonical', () => {
    expect(
      read('notion', {
        ...databaseDeleted,
        id: 'C00E2EA7032A4E20AE05D69028A09AE9',
        workspace_id: '13950B26C2034F3BB97D93EC06319565',
        entity: { id: '153104CD477E80EBAE76E1C2A32C7B35', type: 'database' },
        accessible_by: [{ id: '1EDC05F6270281B5840800279347F034', type: 'bot' }],
      }),
    ).toEqual(read('notion', databaseDeleted));
  });

  test.each([null, 'x', {}, [null, 1, 'x', {}, { type: 'bot' }, { type: 'bot', id: 7 }, { type: 'bot', id: 'x' }]].map((value) => [value]))(
    'accessible_by %j yields no bot and is not refused',
    (value) => {
      expect(read('notion', { ...databaseDeleted, accessible_by: value })).toMatchObject({
        kind: 'database_event',
        notice: { accessibleBy: [] },
      });
    },
  );

  test.each([
    ['0', 1],
    ['{}', 1],
    ['{"id":"x","type":"bot"}', 3],
  ])(
    'regression: a whole MiB of %s in accessible_by blocked all other requests for five seconds; an item costs %d function calls',
    (item, callsPerItem) => {
      const rest = JSON.stringify({ ...databaseDeleted, accessible_by: [] });
      const items = Array.from({ length: Math.floor((2 ** 20 - rest.length) / (item.length + 1)) }, () => item);
      const raw = Buffer.from(rest.replace('"accessible_by":[]', `"accessible_by":[${items.join(',')}]`));
      let webhook: unknown;
      const calls = functionCalls(() => (webhook = readWebhook('notion', raw)));
      expect(webhook).toMatchObject({ kind: 'database_event', notice: { accessibleBy: [] } });
      expect(calls).toBeLessThan(callsPerItem * items.length + 1_000);
    },
  );

  test('a time with an offset is the same instant', () => {
    expect(read('notion', { ...databaseDeleted, timestamp: '2024-12-05T15:51:27.295-08:00' })).toEqual(read('notion', databaseDeleted));
  });

  test('a linked database is recognised in every form', () => {
    for (const webhook of [
      read('nango', linkedDatabaseCreated),
      read('notion', linkedDatabaseCreated),
      read('nango', forwarded(linkedDatabaseCreated)),
    ]) {
      expect(webhook).toMatchObject({ kind: 'linked_database', notice: { eventId: databaseDeleted.id } });
    }
  });

  test('the last value of a duplicated key counts, and prototype keys are ordinary keys', () => {
    const text = JSON.stringify(databaseDeleted);
    const odd = `${text.slice(0, -1)},"type":"database.moved","__proto__":{"type":"page.created","entity":null},"constructor":7,"toString":null}`;
    expect(readWebhook('notion', Buffer.from(odd))).toMatchObject({ kind: 'database_event', notice: { type: 'database.moved' } });
    expect(({} as Record<string, unknown>)['entity']).toBeUndefined();
  });

  test('a byte order mark is accepted', () => {
    expect(readWebhook('notion', Buffer.from(`\uFEFF${JSON.stringify(databaseDeleted)}`))).toEqual(read('notion', databaseDeleted));
  });
});

const unmirrored = (type: string, reason: string) => ({ kind: 'unmirrored_page', type, reason });

describe('an event about a page', () => {
  const documented = rowEvents.find(({ type }) => type === 'page.properties_updated');
  const parent = documented?.data.parent;
  const parents = ['page', 'space', 'block', 'team', 'agent', 'something new'];

  test('in a data source yields the row, its data source and database, and the bots that can read it', () => {
    expect(read('notion', documented)).toEqual({
      kind: 'database_event',
      connection: null,
      notice: {
        eventId: documented?.id,
        type: 'page.properties_updated',
        kind: 'row_sync',
        notionWorkspaceId: '13950b26-c203-4f3b-b97d-93ec06319565',
        databaseId: '36cc9195-760f-4fff-a67e-3a46c559b176',
        dataSourceId: '98024f3c-b1d3-4aec-a301-f01e0dacf023',
        pageId: '153104cd-477e-809d-8dc4-ff2d96ae3090',
        occurredAt: new Date('2024-12-05T23:57:05.379Z'),
        accessibleBy: ['1edc05f6-2702-81b5-8408-00279347f034'],
      },
    });
  });

  test.each(rowEvents.map((body) => [body.type, body] as const))('%s of a row is read the same in all its forms', (type, body) => {
    const direct = read('notion', body);
    const kind = type === 'page.deleted' ? 'row_delete' : 'row_sync';
    expect(direct).toMatchObject({ kind: 'database_event', notice: { type, kind, pageId: body.entity.id, databaseId: parent?.id } });
    expect(read('nango', body)).toEqual(direct);
    expect(read('nango', forwarded(body))).toEqual({ ...direct, connection: { connectionId: 'c-1', providerConfigKey: 'notion' } });
    expect(read('notion', { ...body, entity: { ...body.entity, type: 'block' } })).toEqual(direct);
  });

  test.each(rowEvents.map((body) => [body.type, body] as const))('%s of a page elsewhere', (type, body) => {
    const isWherever = type === 'page.moved' || type === 'page.deleted';
    const elsewhere = { databaseId: null, dataSourceId: null, pageId: body.entity.id };
    for (const parentType of parents) {
      const webhook = read('notion', { ...body, data: { parent: { ...parent, type: parentType } } });
      expect(webhook).toMatchObject(isWherever ? { kind: 'database_event', notice: elsewhere } : unmirrored(type, 'not_a_row'));
    }
  });

  test('whose data source is not named readably is read without it', () => {
    for (const data_source_id of [undefined, null, 'x', 7, {}]) {
      const webhook = read('notion', { ...documented, data: { parent: { ...parent, data_source_id } } });
      expect(webhook).toMatchObject({ kind: 'database_event', notice: { databaseId: parent?.id, dataSourceId: null } });
    }
  });

  test('whose parent is unreadable may be a row; that it moved or was deleted is known all the same', () => {
    const unreadable = [undefined, null, 'x', [], {}, { parent: null }, { parent: [] }, { parent: { type: { $gt: '' } } }].map(
      (data) => [data, 'data.parent'] as const,
    );
    const badId = [undefined, null, 'x', { $gt: '' }].map((id) => [{ parent: { ...parent, id } }, 'data.parent.id'] as const);
    for (const [data, detail] of [...unreadable, ...badId]) {
      expect(read('notion', { ...documented, data })).toEqual({ kind: 'unreadable', problem: 'bad_fields', detail });
      for (const type of ['page.moved', 'page.deleted']) {
        expect(read('notion', { ...documented, type, data })).toMatchObject({
          kind: 'database_event',
          notice: { databaseId: null, dataSourceId: null, pageId: documented?.entity.id },
        });
      }
    }
  });

  test('that is no row may have any other form', () => {
    const data = { parent: { type: 'page' } };
    expect(read('notion', { type: 'page.created', data, id: { $gt: '' }, entity: null })).toEqual(unmirrored('page.created', 'not_a_row'));
  });

  test.each<[string, Record<string, unknown>]>([
    ['id', { id: undefined }],
    ['timestamp', { timestamp: 'yesterday' }],
    ['workspace_id', { workspace_id: { $gt: '' } }],
    ['entity.id', { entity: { id: 'x', type: 'page' } }],
  ])('that is a row with a bad %s is unreadable', (detail, change) => {
    expect(read('notion', { ...documented, ...change })).toEqual({ kind: 'unreadable', problem: 'bad_fields', detail });
  });

  test.each(rowEvents.map((body) => [body.type, body] as const))('%s may have any form while rows are off', (type, body) => {
    for (const change of [{}, { data: undefined }, { id: undefined }, { entity: null, timestamp: 7, workspace_id: {} }]) {
      const changed = { ...body, ...change };
      for (const webhook of [read('notion', changed, 'off'), read('nango', changed, 'off'), read('nango', forwarded(changed), 'off')]) {
        expect(webhook).toEqual(unmirrored(type, 'rows_off'));
      }
    }
  });

  test('forwarded from another provider is not about Notion', () => {
    expect(read('nango', forwarded(documented, { from: 'github' }))).toMatchObject({ kind: 'unsupported', type: 'forward from github' });
  });

  test('most pages are no rows: one costs hardly more than while rows are off', () => {
    const raw = Buffer.from(JSON.stringify({ ...documented, data: { parent: { ...parent, type: 'page' } } }));
    const calls = (rows: 'on' | 'off') => functionCalls(() => void readWebhook('notion', raw, rows));
    expect(calls('on')).toBeLessThan(calls('off') + 6);
  });
});

describe('an event not about databases', () => {
  test.each(otherEvents.map((body) => [String(body['type']), body] as const))('%s is unsupported in every form', (type, body) => {
    for (const webhook of [read('notion', body), read('nango', body), read('nango', forwarded(body))]) {
      expect(webhook).toMatchObject({ kind: 'unsupported', type });
    }
  });

  test('a long type is shortened for the log', () => {
    const webhook = read('notion', { type: 'x'.repeat(100_000), id: 'y'.repeat(100_000) });
    expect(JSON.stringify(webhook).length).toBeLessThan(400);
  });

  test.each([
    { type: 'sync', from: 'nango', connectionId: 'c', success: true },
    { type: 'async_action', from: 'nango', id: 'x' },
    { type: 'something new', from: 'nango' },
  ])('a Nango webhook of type $type is unsupported', (body) => {
    expect(read('nango', body)).toMatchObject({ kind: 'unsupported', type: body.type });
  });

  test.each([{ action: 'opened' }, 'text', null, [], { type: 'message' }])("another provider's payload %j is unsupported", (payload) => {
    expect(read('nango', forwarded(payload, { from: 'github' }))).toMatchObject({ kind: 'unsupported', type: 'forward from github' });
  });

  test('the documented auth webhook and a minimal one are read', () => {
    expect(readWebhook('nango', authCreation)).toEqual({
      kind: 'auth',
      operation: 'creation',
      success: true,
      connection: { connectionId: '4f7f7b8e-0c55-4b0e-9f0e-2f6d1f6f8a11', providerConfigKey: 'notion' },
      provider: 'notion',
    });
    const nothing = { kind: 'auth', operation: null, success: false, connection: null, provider: null };
    expect(read('nango', { type: 'auth', operation: 7 })).toEqual(nothing);
    const strange = { type: 'auth', connectionId: 'a\nb', providerConfigKey: 'notion' };
    expect(read('nango', strange)).toEqual(nothing);
    expect(read('nango', { ...strange, connectionId: 'x'.repeat(257) })).toEqual(nothing);
  });

  test("Nango's own types have no meaning on Notion's route", () => {
    expect(readWebhook('notion', authCreation)).toMatchObject({ kind: 'unsupported', type: 'auth' });
    expect(readWebhook('notion', forwardedSchemaUpdate)).toMatchObject({ kind: 'unsupported', type: 'forward' });
  });
});

describe('a handshake', () => {
  test('is read raw on both routes, and wrapped', () => {
    for (const webhook of [
      readWebhook('nango', handshake),
      readWebhook('notion', handshake),
      read('nango', forwarded({ verification_token: notionToken })),
    ]) {
      expect(webhook).toEqual({ kind: 'handshake', token: notionToken });
    }
  });

  test.each([7, '', null, {}, 'x'.repeat(2000), '\u0000', 'secret_\u001b[2J', 'secret_\ud800', 'secret one'].map((token) => [token]))(
    'with the token %j it is unreadable',
    (verification_token) => {
      expect(read('notion', { verification_token })).toMatchObject({ kind: 'unreadable', problem: 'bad_fields' });
    },
  );

  test('a body with a type is not a handshake', () => {
    expect(read('notion', { ...databaseDeleted, verification_token: notionToken })).toMatchObject({ kind: 'database_event' });
  });
});

describe('an unreadable body', () => {
  test.each([
    ['no bytes', Buffer.alloc(0), 'not_json'],
    ['text', Buffer.from('hello'), 'not_json'],
    ['half a body', forwardedSchemaUpdate.subarray(0, 400), 'not_json'],
    ["the trailing comma of Notion's own sample", Buffer.from('{"type":"database.created",}'), 'not_json'],
    ['invalid UTF-8', Buffer.concat([Buffer.from('{"type":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]), 'not_utf8'],
    ['UTF-16', Buffer.from('{"type":"database.created"}', 'utf16le'), 'not_json'],
    ['a gzip stream', Buffer.from('1f8b0800000000000003ab', 'hex'), 'not_utf8'],
    ['a list', Buffer.from('[]'), 'not_an_object'],
    ['null', Buffer.from('null'), 'not_an_object'],
    ['a number', Buffer.from('7'), 'not_an_object'],
    ['201 levels', nested(201), 'too_deep'],
    ['half a million levels', nested(500_000), 'too_deep'],
    ['no type', Buffer.from('{}'), 'bad_fields'],
    ['a type that is an operator', Buffer.from('{"type":{"$gt":""}}'), 'bad_fields'],
  ])('%s', (_what, raw, problem) => {
    for (const route of routes) expect(readWebhook(route, raw)).toMatchObject({ kind: 'unreadable', problem });
  });

  test('200 levels are not too deep, nor are brackets inside strings', () => {
    const deepest = `{"type":"page.created","data":${nested(199).toString()}}`;
    expect(readWebhook('notion', Buffer.from(deepest), 'off')).toMatchObject({ kind: 'unmirrored_page' });
    expect(read('notion', { type: 'page.created', title: '["\\'.repeat(1000) }, 'off')).toMatchObject({ kind: 'unmirrored_page' });
  });

  test.each<[string, Record<string, unknown>]>([
    ['id', { id: undefined }],
    ['id', { id: 'evt_1' }],
    ['id', { id: { $ne: null } }],
    ['timestamp', { timestamp: undefined }],
    ['timestamp', { timestamp: 'yesterday' }],
    ['timestamp', { timestamp: 1_736_121_322 }],
    ['timestamp', { timestamp: '1969-12-31T23:59:59.999Z' }],
    ['timestamp', { timestamp: '2025-02-30T00:00:00.000Z' }],
    ['workspace_id', { workspace_id: undefined }],
    ['workspace_id', { workspace_id: '{"$gt":""}' }],
    ['workspace_id', { workspace_id: '13950b26-c203-4f3b-b97d-93ec0631956' }],
    ['entity', { entity: undefined }],
    ['entity.id', { entity: { id: null, type: 'database' } }],
    ['entity.id', { entity: { id: '153104cd-477e-80eb-ae76-e1c2a32c7b35\u0000', type: 'database' } }],
    ['entity.type', { entity: { id: '153104cd-477e-80eb-ae76-e1c2a32c7b35' } }],
  ])('a database event with a bad %s: %j', (detail, change) => {
    const body = { ...databaseDeleted, ...change };
    for (const webhook of [read('notion', body), read('nango', body), read('nango', forwarded(body))]) {
      expect(webhook).toEqual({ kind: 'unreadable', problem: 'bad_fields', detail });
    }
  });

  test.each<[string, Record<string, unknown>]>([
    ['payload', { payload: undefined }],
    ['payload', { payload: 'text' }],
    ['payload', { payload: [] }],
    ['connectionId', { connectionId: { $gt: '' } }],
    ['connectionId', { connectionId: 'x'.repeat(2000) }],
    ['providerConfigKey', { providerConfigKey: undefined }],
    ['providerConfigKey', { providerConfigKey: 7 }],
  ])('a wrapper with a bad %s: %j', (detail, change) => {
    expect(read('nango', forwarded(databaseDeleted, change))).toEqual({ kind: 'unreadable', problem: 'bad_fields', detail });
  });

  test.each([null, '', undefined].map((id) => [id]))('a wrapper whose connectionId is %j counts as unmatched', (connectionId) => {
    expect(read('nango', forwarded(databaseDeleted, { connectionId }))).toEqual(read('nango', databaseDeleted));
  });
});

describe('any bytes', () => {
  test('never make it throw', () => {
    fc.assert(
      fc.property(fc.constantFrom(...routes), fc.uint8Array({ maxLength: 400 }), (route, bytes) => {
        expect(readWebhook(route, Buffer.from(bytes)).kind).toBeTypeOf('string');
      }),
      { numRuns: 2_000 },
    );
  });

  test('any JSON never throws', () => {
    fc.assert(
      fc.property(fc.constantFrom(...routes), fc.json({ depthSize: 'large' }), (route, text) => {
        expect(readWebhook(route, Buffer.from(text)).kind).toBeTypeOf('string');
      }),
      { numRuns: 1_000 },
    );
  });

  test('a valid body with any part replaced or missing never throws, and an accepted event is valid', () => {
    const samples = [databaseDeleted, ...rowEvents].map((body) => forwarded(body));
    const changes = fc
      .constantFrom(...samples)
      .chain((sample) => fc.record({ sample: fc.constant(sample), path: fc.constantFrom(...pathsOf(sample)) }));
    const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
    fc.assert(
      fc.property(
        fc.constantFrom(...routes),
        fc.boolean(),
        changes,
        fc.oneof(fc.jsonValue(), fc.constant(undefined), fc.string(), fc.constantFrom(...otherEvents, ...databaseEvents, ...rowEvents)),
        (route, isWrapped, { sample, path }, value) => {
          const wrapper = replaceAt(sample, path, value);
          const webhook = read(route, isWrapped ? wrapper : ((wrapper as { payload?: unknown })?.payload ?? null));
          if (webhook.kind !== 'database_event') return;
          expect(webhook.notice.eventId).toMatch(uuid);
          expect(webhook.notice.notionWorkspaceId).toMatch(uuid);
          const { databaseId, dataSourceId, pageId } = webhook.notice;
          const ids = [databaseId, dataSourceId, pageId].filter((id) => id !== null);
          expect(ids.length).toBeGreaterThan(0);
          for (const id of ids) expect(id).toMatch(uuid);
          expect(webhook.notice.occurredAt.getTime()).toBeGreaterThanOrEqual(0);
        },
      ),
      { numRuns: 3_000 },
    );
  });
});

function hint(data: unknown): unknown {
  const webhook = read('notion', { ...dataSourceCreated, data });
  return webhook.kind === 'database_event' ? webhook.notice.databaseId : webhook;
}
