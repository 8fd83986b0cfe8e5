import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Json, JsonObject, PropertyContent } from './database-content.ts';
import { plainId } from './property-id.ts';
import { schemaChanges, type SchemaChange } from './schema-change.ts';

const property = (id: string, name: string, type = 'number', config: Json = {}): PropertyContent => ({
  id,
  name,
  type,
  description: null,
  config,
});
const option = (id: string, name: string, color: string, more: JsonObject = {}): JsonObject => ({ id, name, color, ...more });
const select = (...options: JsonObject[]) => [property('s', 'Status', 'select', { options })];
const of = { propertyId: 's', property: 'Status' };

describe('properties', () => {
  test('a renamed property is neither removed nor added', () => {
    expect(schemaChanges([property('a', 'Price')], [property('a', 'Cost')])).toEqual([
      { kind: 'renamed', propertyId: 'a', property: 'Cost', old: 'Price', new: 'Cost' },
    ]);
  });

  test('two properties that swap their names are both renamed', () => {
    const changes = schemaChanges([property('a', 'One'), property('b', 'Two')], [property('a', 'Two'), property('b', 'One')]);
    expect(changes.map(({ kind, propertyId }) => `${kind} ${propertyId}`)).toEqual(['renamed a', 'renamed b']);
  });

  test('ids are the same percent-encoded or not, whatever the order of the properties', () => {
    const before = [property('%5DGpU', 'Price'), property('b', 'Two')];
    expect(schemaChanges(before, [property('b', 'Two'), property(']GpU', 'Price')])).toEqual([]);
    // Decoded once only: these two ids differ.
    expect(schemaChanges([property('%255D', 'Price')], [property('%5D', 'Price')])).toHaveLength(2);
    // No escape: Notion's own ids hold such text, too.
    expect(schemaChanges([property('a%', 'Price')], [property('a%', 'Price')])).toEqual([]);
  });

  test('a removed property takes its shape along, an added one brings it', () => {
    const changes = schemaChanges([property('a', 'Price', 'number', { format: 'euro' })], [property('b', 'Price', 'url')]);
    expect(changes).toEqual([
      {
        kind: 'removed',
        propertyId: 'a',
        property: 'Price',
        old: { name: 'Price', type: 'number', description: null, config: { format: 'euro' } },
        new: null,
      },
      { kind: 'added', propertyId: 'b', property: 'Price', old: null, new: { name: 'Price', type: 'url', description: null, config: {} } },
    ]);
  });

  test('with another type come another config and other options, as one change', () => {
    const old = { options: [option('x', 'Done', 'green')] };
    expect(schemaChanges([property('s', 'State', 'select', old)], [property('s', 'Status', 'number', { format: 'euro' })])).toEqual([
      { kind: 'renamed', ...of, old: 'State', new: 'Status' },
      { kind: 'retyped', ...of, old: { type: 'select', config: old }, new: { type: 'number', config: { format: 'euro' } } },
    ]);
  });

  test('the order of keys and the signature of a file are no change', () => {
    const config: Json = { b: 1, icon: { url: 'https://a?1', expiry_time: 'a' } };
    const other: Json = { icon: { expiry_time: 'b', url: 'https://a?2' }, b: 1 };
    expect(schemaChanges([property('a', 'A', 'x', config)], [property('a', 'A', 'x', other)])).toEqual([]);
  });
});

describe('options', () => {
  test('are added, renamed, recoloured and removed by id', () => {
    const before = select(option('x', 'To do', 'red'), option('y', 'Doing', 'blue'), option('z', 'Done', 'green'));
    const after = select(option('x', 'Open', 'red'), option('y', 'Doing', 'pink'), option('w', 'Late', 'gray'));
    expect(schemaChanges(before, after)).toEqual([
      { kind: 'option_removed', ...of, optionId: 'z', option: 'Done', old: option('z', 'Done', 'green'), new: null },
      { kind: 'option_renamed', ...of, optionId: 'x', option: 'Open', old: 'To do', new: 'Open' },
      { kind: 'option_recoloured', ...of, optionId: 'y', option: 'Doing', old: 'blue', new: 'pink' },
      { kind: 'option_added', ...of, optionId: 'w', option: 'Late', old: null, new: option('w', 'Late', 'gray') },
    ]);
  });

  test('without an id are distinguished by name', () => {
    expect(schemaChanges(select({ name: 'A', color: 'red' }), select({ name: 'A', color: 'blue' }))).toEqual([
      { kind: 'option_recoloured', ...of, optionId: null, option: 'A', old: 'red', new: 'blue' },
    ]);
  });

  test('in another order are one change, which names both orders', () => {
    const [a, b] = [option('x', 'A', 'red'), option('y', 'B', 'red')];
    const [nameOfA, nameOfB] = [
      { id: 'x', name: 'A' },
      { id: 'y', name: 'B' },
    ];
    expect(schemaChanges(select(a, b), select(b, a))).toEqual([
      { kind: 'options_reordered', ...of, old: [nameOfA, nameOfB], new: [nameOfB, nameOfA] },
    ]);
    expect(schemaChanges(select(a), select(a, b)).map(({ kind }) => kind)).toEqual(['option_added']);
  });

  test('that cannot be distinguished are compared as a whole', () => {
    const [before, after] = [select(option('x', 'A', 'red'), option('x', 'B', 'red')), select(option('x', 'A', 'red'))];
    expect(schemaChanges(before, after)).toEqual([{ kind: 'configured', ...of, old: before[0]?.config, new: after[0]?.config }]);
  });
});

/** The schema by plain ids: what the order of properties and the encoding of ids do not change. */
type Table = ReadonlyMap<string, Shape>;
type Shape = Omit<PropertyContent, 'id'>;

function tableOf(properties: readonly PropertyContent[]): Table {
  return new Map(properties.map(({ id, ...shape }) => [plainId(id), { ...shape, config: withPlainIds(shape.config) }]));
}

function withPlainIds(config: Json): Json {
  const { options, ...rest } = config as JsonObject;
  if (!Array.isArray(options)) return config;
  return { ...rest, options: options.map((one: JsonObject) => ('id' in one ? { ...one, id: plainId(one['id'] as string) } : one)) };
}

/** What a reader would do with the changes. */
function applied(table: Table, changes: readonly SchemaChange[]): Table {
  const result = new Map(table);
  for (const change of changes.toSorted((a, b) => Number(a.kind === 'options_reordered') - Number(b.kind === 'options_reordered'))) {
    const id = plainId(change.propertyId);
    const was = result.get(id);
    if (change.kind === 'added') result.set(id, { ...change.new, config: withPlainIds(change.new.config) });
    else if (was === undefined) throw new Error(`${id} is unknown`);
    else if (change.kind === 'removed') result.delete(id);
    else result.set(id, changed(was, change));
  }
  return result;
}

function keyOf({ id, name }: JsonObject): string {
  return JSON.stringify(typeof id === 'string' ? [plainId(id)] : ['', name]);
}

function changed(was: Shape, change: Exclude<SchemaChange, { kind: 'added' | 'removed' }>): Shape {
  if (change.kind === 'renamed') return { ...was, name: change.new };
  if (change.kind === 'described') return { ...was, description: change.new };
  if (change.kind === 'retyped') return { ...was, type: change.new.type, config: withPlainIds(change.new.config) };
  const { options = [], ...rest } = was.config as { readonly options?: readonly JsonObject[] };
  const set = (to: readonly JsonObject[]): Shape => ({ ...was, config: { ...rest, options: to } });
  if (change.kind === 'configured') {
    const [old, now] = [change.old, withPlainIds(change.new)] as [JsonObject, JsonObject];
    const isWhole = 'options' in old || 'options' in now || !('options' in (was.config as JsonObject));
    return { ...was, config: isWhole ? now : { ...now, options } };
  }
  if (change.kind === 'options_reordered') {
    const order = change.new.map((one) => keyOf({ ...one }));
    return set(options.toSorted((a, b) => order.indexOf(keyOf(a)) - order.indexOf(keyOf(b))));
  }
  if (change.kind === 'option_added') {
    return set([...options, (withPlainIds({ options: [change.new] }) as { options: [JsonObject] }).options[0]]);
  }
  const key = keyOf({ id: change.optionId, name: change.option });
  if (change.kind === 'option_removed') return set(options.filter((one) => keyOf(one) !== key));
  return set(
    options.map((one) => {
      if (keyOf(one) !== key) return one;
      if (change.kind === 'option_renamed') return { ...one, name: change.new };
      if (change.kind === 'option_recoloured') return { ...one, color: change.new };
      const { id, name, color } = one;
      return { ...(id === undefined ? {} : { id }), name: name ?? '', color: color ?? null, ...change.new };
    }),
  );
}

const ids = fc.constantFrom('a', 'b:', 'b%3A', ']', '%5D', '%', '__proto__');
const record = <T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record<T>(fields, { noNullPrototype: true });
const words = fc.constantFrom('', 'A', 'B', '$set', '__proto__');
const options = fc.uniqueArray(
  fc.oneof(
    record({ id: ids, name: words, color: words }),
    record({ id: ids, name: words, color: words, description: fc.option(words) }),
    record({ name: words, color: words }),
  ),
  { selector: (one) => ('id' in one ? `id:${plainId(one.id)}` : `name:${one.name}`), maxLength: 5 },
);
/** Now and then two of them share an id. */
const odd = fc.array(record({ id: fc.constantFrom('a', '%61'), name: words, color: words }), { maxLength: 3 });
const configs: fc.Arbitrary<Json> = fc.oneof(
  fc.constant({}),
  record({ format: words }),
  record({ options }),
  record({ options, groups: fc.array(words, { maxLength: 2 }) }),
  record({ options: odd }),
);
const properties = fc.uniqueArray(
  record({ id: ids, name: words, type: fc.constantFrom('select', 'number'), description: fc.option(words), config: configs }),
  { selector: ({ id }) => plainId(id), maxLength: 5 },
);

describe('for any two schemas', () => {
  test('the changes applied to the old schema give the new one', () => {
    fc.assert(
      fc.property(properties, properties, (before, after) => {
        expect(applied(tableOf(before), schemaChanges(before, after))).toEqual(tableOf(after));
      }),
      { numRuns: 1_000 },
    );
  });

  test('there are changes exactly if the schemas differ, and no property or option is both removed and added', () => {
    fc.assert(
      fc.property(properties, properties, (before, after) => {
        const changes = schemaChanges(before, after);
        expect(changes.length === 0).toBe(isEqual(tableOf(before), tableOf(after)));
        const keys = changes.flatMap((change) =>
          ['added', 'removed', 'option_added', 'option_removed'].includes(change.kind)
            ? [[change.propertyId, 'option' in change ? [change.optionId ?? ['', change.option]] : []].map((one) => plain(one))]
            : [],
        );
        expect(new Set(keys.map((key) => JSON.stringify(key))).size).toBe(keys.length);
      }),
      { numRuns: 1_000 },
    );
  });
});

function plain(value: unknown): unknown {
  return typeof value === 'string' ? plainId(value) : Array.isArray(value) ? value.map(plain) : value;
}

function isEqual(a: Table, b: Table): boolean {
  return JSON.stringify(sorted(Object.fromEntries(a))) === JSON.stringify(sorted(Object.fromEntries(b)));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .map(([name, inner]) => [name, sorted(inner)])
    .toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1));
}
