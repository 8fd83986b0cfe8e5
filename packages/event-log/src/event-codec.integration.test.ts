import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { COMPATIBILITY, SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import { databaseEventContract, schemasFolder } from '@notion-mirror/schemas/contract';
import { loadGoldenValues } from '@notion-mirror/schemas/golden-values';
import avro from 'avsc';
import * as fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { SchemaNotRegisteredError } from './avro-codec.ts';
import { createEventCodec, type EventCodec } from './event-codec.ts';
import { inspectSchemas, registerSchemas } from './register-schemas.ts';
import { connectSchemaRegistry, SchemaRegistryError } from './schema-registry.ts';
import { eventOf, isolatedLog } from './testing/isolated-log.ts';
import { topicsFor } from './topics.ts';

interface RawSchema {
  fields: { name: string; type: unknown; default?: unknown }[];
}

const log = isolatedLog(inject('stack'));
const { schemaRegistry } = log;
const { eventsSubject: subject } = topicsFor(log.prefix);
const contract = databaseEventContract();
const frame = (id: number, payload: Buffer): Buffer => {
  const head = Buffer.alloc(5);
  head.writeInt32BE(id, 1);
  return Buffer.concat([head, payload]);
};

let codec: EventCodec;
beforeAll(async () => {
  await registerSchemas({ schemaRegistry, subject });
  codec = await createEventCodec({ schemaRegistry, subject });
});
afterAll(log.remove);

describe('the codec', () => {
  it('reads back any event that it writes', async () => {
    const text = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
      .filter((value) => value.trim() !== '' && !value.includes('\0'));
    const time = fc.date({ min: new Date(0), max: new Date(8.64e15), noInvalidDate: true });
    const ids = fc.tuple(fc.option(text), fc.option(text)).filter(([database, dataSource]) => database !== null || dataSource !== null);
    await fc.assert(
      fc.asyncProperty(
        text,
        text,
        ids,
        time,
        time,
        fc.constantFrom('sync' as const, 'delete' as const),
        async (eventId, workspaceId, [databaseId, dataSourceId], occurredAt, receivedAt, kind) => {
          const event = eventOf({ eventId, workspaceId, databaseId, dataSourceId, occurredAt, receivedAt, kind });
          expect(await codec.decode(codec.encode(event))).toEqual({ kind: 'event', event });
        },
      ),
      { numRuns: 200 },
    );
  });

  it('writes values that a foreign client reads through the registry', async () => {
    const foreign = new SchemaRegistry({ host: schemaRegistry.url });
    const event = eventOf();
    const { occurredAt, receivedAt, ...rest } = event;
    expect({ ...((await foreign.decode(codec.encode(event))) as object) }).toEqual({
      ...rest,
      occurredAt: occurredAt.getTime(),
      receivedAt: receivedAt.getTime(),
    });
  });

  it('reads every golden value of every version', async () => {
    for (const { version, value, bytes } of loadGoldenValues('database-event', schemasFolder)) {
      const { text } = contract.versions[version - 1]!;
      const id = await connectSchemaRegistry(schemaRegistry).idOf(subject, text);
      const decoded = await codec.decode(frame(id, bytes!));
      expect(decoded).toMatchObject({
        kind: 'event',
        event: { eventId: value['eventId'], occurredAt: new Date(value['occurredAt'] as number) },
      });
    }
  });

  it('reads values of a later version', async () => {
    const later = JSON.parse(contract.latest.text) as RawSchema;
    later.fields.push({ name: 'reason', type: ['null', 'string'], default: null });
    const origin = later.fields.find(({ name }) => name === 'origin')!;
    origin.type = { ...(origin.type as object), symbols: ['nango', 'notion', 'recheck', 'reconcile', 'operator', 'backfill'] };
    const id = await connectSchemaRegistry(schemaRegistry).register(subject, JSON.stringify(later));
    const golden = loadGoldenValues('database-event', schemasFolder)[0]!.value;
    const bytes = avro.Type.forSchema(later as unknown as avro.Schema).toBuffer({ ...golden, reason: 'because', origin: 'backfill' });
    expect(await codec.decode(frame(id, bytes))).toMatchObject({
      kind: 'event',
      event: { eventId: golden['eventId'], origin: 'reconcile' },
    });
  });

  it.each<[string, () => Buffer, string]>([
    ['nothing', () => Buffer.alloc(0), 'not_framed'],
    ['JSON', () => Buffer.from('{"eventId":"x"}'), 'not_framed'],
    ['a frame without an end', () => Buffer.from([0, 0, 0, 0]), 'not_framed'],
    ['an id that the registry does not know', () => frame(2 ** 31 - 1, Buffer.from([1, 2, 3])), 'unknown_schema'],
    ['a negative id', () => frame(-7, Buffer.from([1, 2, 3])), 'unknown_schema'],
    ['a frame with nothing in it', () => frame(codec.schemaId, Buffer.alloc(0)), 'undecodable'],
    ['an event that is cut off', () => codec.encode(eventOf()).subarray(0, 60), 'undecodable'],
    ['an event with something behind it', () => Buffer.concat([codec.encode(eventOf()), Buffer.from([0])]), 'undecodable'],
    ['noise', () => frame(codec.schemaId, Buffer.alloc(300, 0xff)), 'undecodable'],
  ])('calls %s poison', async (_, bytes, code) => {
    expect(await codec.decode(bytes())).toMatchObject({ kind: 'poison', code });
  });

  it.each<[string, Record<string, unknown>]>([
    ['an empty id', { eventId: '' }],
    ['a blank id', { workspaceId: '  ' }],
    ['a NUL in an id', { connectionId: 'a\0b' }],
    ['neither database nor data source', { databaseId: null, dataSourceId: null }],
    ['a time before 1970', { occurredAt: -1 }],
    ['a time that no date has', { receivedAt: 8.64e15 + 1 }],
  ])('calls an event with %s poison, and does not write one', async (_, overrides) => {
    const { occurredAt, receivedAt, ...rest } = eventOf();
    const value = { ...rest, occurredAt: occurredAt.getTime(), receivedAt: receivedAt.getTime(), ...overrides };
    expect(await codec.decode(frame(codec.schemaId, contract.latest.type.toBuffer(value)))).toMatchObject({
      kind: 'poison',
      code: 'invalid_event',
    });
    const times = { occurredAt: new Date(value.occurredAt), receivedAt: new Date(value.receivedAt) };
    expect(() => codec.encode({ ...rest, ...overrides, ...times })).toThrow('not a valid event');
  });

  it('calls a record of another schema poison', async () => {
    const text = JSON.stringify({ type: 'record', name: 'Other', namespace: 'elsewhere', fields: [{ name: 'a', type: 'string' }] });
    const id = await connectSchemaRegistry(schemaRegistry).register(`${log.prefix}other-value`, text);
    expect(await codec.decode(frame(id, Buffer.from([2, 65])))).toMatchObject({ kind: 'poison', code: 'incompatible_schema' });
  });

  it('calls a record of a schema that is not Avro poison', async () => {
    const registry = new SchemaRegistry({ host: schemaRegistry.url });
    const schema = {
      type: SchemaType.JSON as const,
      schema: '{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","title":"json"}',
    };
    const { id } = await registry.register(schema, { subject: `${log.prefix}json-value`, compatibility: COMPATIBILITY.NONE });
    expect(await codec.decode(frame(id, Buffer.from('{}')))).toMatchObject({ kind: 'poison', code: 'incompatible_schema' });
  });

  it('never rejects, whatever the bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.boolean(), async (bytes, framed) => {
        const value = framed ? frame(codec.schemaId, Buffer.from(bytes)) : Buffer.from(bytes);
        expect(['poison', 'event']).toContain((await codec.decode(value)).kind);
      }),
      { numRuns: 300 },
    );
  });
});

describe('registering the schemas', () => {
  it('is safe to repeat, and shows in the inspection', async () => {
    const fresh = `${log.prefix}fresh-value`;
    expect(await inspectSchemas({ schemaRegistry, subject: fresh })).toEqual({
      subject: fresh,
      compatibility: null,
      versions: [
        { version: 1, id: null },
        { version: 2, id: null },
      ],
    });
    const first = await registerSchemas({ schemaRegistry, subject: fresh });
    expect(first).toMatchObject({ previousCompatibility: null, versions: [{ version: 1, created: true }, { version: 2 }] });
    const again = await registerSchemas({ schemaRegistry, subject: fresh });
    expect(again).toMatchObject({
      previousCompatibility: 'FULL_TRANSITIVE',
      versions: first.versions.map(({ version, id }) => ({ version, id, created: false })),
    });
    expect(await inspectSchemas({ schemaRegistry, subject: fresh })).toMatchObject({
      compatibility: 'FULL_TRANSITIVE',
      versions: first.versions.map(({ version, id }) => ({ version, id })),
    });
  });

  it('repairs a subject that was made less strict', async () => {
    const loose = `${log.prefix}loose-value`;
    await registerSchemas({ schemaRegistry, subject: loose });
    await connectSchemaRegistry(schemaRegistry).setCompatibility(loose, 'BACKWARD');
    expect(await registerSchemas({ schemaRegistry, subject: loose })).toMatchObject({ previousCompatibility: 'BACKWARD' });
    expect(await inspectSchemas({ schemaRegistry, subject: loose })).toMatchObject({ compatibility: 'FULL_TRANSITIVE' });
  });

  it.each<[string, (schema: RawSchema) => void]>([
    ['adds a field without a default', (schema) => schema.fields.push({ name: 'reason', type: 'string' })],
    ['removes a field without a default', (schema) => schema.fields.shift()],
    ['changes a type', (schema) => schema.fields.splice(2, 1, { name: 'type', type: 'int' })],
    ['makes an enum a string', (schema) => schema.fields.splice(1, 1, { name: 'kind', type: 'string' })],
  ])('the registry refuses a version that %s', async (_, change) => {
    const schema = JSON.parse(contract.latest.text) as RawSchema;
    change(schema);
    await expect(connectSchemaRegistry(schemaRegistry).register(subject, JSON.stringify(schema))).rejects.toMatchObject({
      reason: 'refused',
    });
  });

  it('is missing until `mirror init` ran', async () => {
    await expect(createEventCodec({ schemaRegistry, subject: `${log.prefix}nothing-value` })).rejects.toThrow(SchemaNotRegisteredError);
  });
});

describe('a registry that fails', () => {
  let server: Server;
  let answer: RequestListener;
  const asked: string[] = [];
  const ownSchema = JSON.stringify({ schema: contract.latest.text });
  /** A registry that knows our own schema as 7. */
  const works: RequestListener = (request, response) => {
    asked.push(request.url ?? '');
    if (request.url?.startsWith('/schemas/ids/7')) response.end(ownSchema);
    else if (request.method === 'POST') response.end('{"id":7}');
    else response.writeHead(404).end('{"error_code":40403,"message":"no"}');
  };
  const settings = () => ({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, username: null, password: null });

  beforeAll(async () => {
    server = createServer((request, response) => answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => {
    asked.length = 0;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  const codecOfWorkingRegistry = async () => {
    answer = works;
    return createEventCodec({ schemaRegistry: settings(), subject: 'events-value' });
  };

  it.each<[string, RequestListener]>([
    ['answers 500', (_, response) => response.writeHead(500).end('boom')],
    ['answers 401', (_, response) => response.writeHead(401).end('{}')],
    ['closes the connection', (request) => request.socket.destroy()],
    ['answers what is not JSON', (_, response) => response.end('<html>a proxy</html>')],
    ['has lost all its schemas', (_, response) => response.writeHead(404).end('{"error_code":40403}')],
  ])('that %s makes a record wait', async (_, listener) => {
    const waiting = await codecOfWorkingRegistry();
    answer = listener;
    expect(await waiting.decode(frame(8, Buffer.from([0])))).toMatchObject({ kind: 'unavailable' });
  });

  it('is trusted again when it is back', async () => {
    const waiting = await codecOfWorkingRegistry();
    answer = (_, response) => response.writeHead(503).end();
    expect(await waiting.decode(frame(8, Buffer.from([0])))).toMatchObject({ kind: 'unavailable' });
    answer = (_, response) => response.end(ownSchema);
    const event = eventOf();
    const bytes = Buffer.from(waiting.encode(event));
    bytes.writeInt32BE(8, 1);
    await expect.poll(() => waiting.decode(bytes)).toEqual({ kind: 'event', event });
  });

  it('is not asked for our own schema, and for an unknown one only once in a while', async () => {
    const calm = await codecOfWorkingRegistry();
    asked.length = 0;
    const event = eventOf();
    expect(await calm.decode(calm.encode(event))).toEqual({ kind: 'event', event });
    expect(asked).toEqual([]);
    const poison = await Promise.all(Array.from({ length: 50 }, () => calm.decode(frame(99, Buffer.from([0])))));
    expect(new Set(poison.map((result) => result.kind === 'poison' && result.code))).toEqual(new Set(['unknown_schema']));
    expect(await calm.decode(frame(99, Buffer.from([0])))).toMatchObject({ kind: 'poison' });
    expect(asked.filter((url) => url.includes('/99'))).toHaveLength(1);
  });

  it('that never ends its answer is given up, and asked again', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const registry = connectSchemaRegistry(settings(), 300);
    answer = (_, response) => {
      response.writeHead(200, { 'content-length': 1_000 }).write('{"schema":');
      vi.advanceTimersByTime(300);
    };
    await expect(registry.schemaOf(7)).rejects.toMatchObject({ reason: 'unavailable' });
    answer = works;
    expect((await registry.schemaOf(7)).name).toBe('notion_mirror.DatabaseEvent');
  });

  it('never has its credentials printed', async () => {
    const { port } = server.address() as AddressInfo;
    answer = (request, response) =>
      response.writeHead(401).end(JSON.stringify({ message: `no entry for ${request.headers.authorization} and pa:ss/word` }));
    const withUserinfo = { url: `http://registry-user:pa%3Ass%2Fword@127.0.0.1:${port}/base/`, username: null, password: null };
    const unavailable = { url: 'http://127.0.0.1:1', username: 'registry-user', password: 'pa:ss/word' };
    for (const schemaRegistrySettings of [withUserinfo, unavailable]) {
      const registry = connectSchemaRegistry(schemaRegistrySettings);
      const attempts = await Promise.allSettled([
        registry.schemaOf(1),
        registry.idOf('s', contract.latest.text),
        registry.register('s', contract.latest.text),
        registry.compatibilityOf('s'),
      ]);
      for (const attempt of attempts) {
        const error: unknown = attempt.status === 'rejected' ? attempt.reason : null;
        expect(error).toBeInstanceOf(SchemaRegistryError);
        const printed = `${(error as Error).stack} ${JSON.stringify(error)}`;
        expect(printed).toContain('schema registry http://127.0.0.1');
        expect(printed).not.toMatch(/pa:ss|pa%3Ass|Basic cmVn/);
      }
    }
  });

  it('gets the credentials in its URL', async () => {
    const seen = new Set<string | undefined>();
    answer = (request, response) => {
      seen.add(request.headers.authorization);
      works(request, response);
    };
    const { port } = server.address() as AddressInfo;
    const registry = connectSchemaRegistry({ url: `http://user:p%40ss@127.0.0.1:${port}`, username: null, password: null });
    await registry.idOf('s', contract.latest.text);
    await registry.setCompatibility('s', 'FULL_TRANSITIVE').catch(() => {});
    expect(seen).toEqual(new Set([`Basic ${Buffer.from('user:p@ss').toString('base64')}`]));
  });
});
