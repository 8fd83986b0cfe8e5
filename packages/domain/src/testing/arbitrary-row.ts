import * as fc from 'fast-check';
import type { Json, JsonObject } from '../database-content.ts';
import type { RowContent, RowProperty } from '../entities/row.ts';

const text = fc.string({ unit: 'binary', maxLength: 12 });
const record = <T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record<T>(fields, { noNullPrototype: true });
const orNull = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });
/** Years of four digits: what Notion's dates can be. The encoder of the log is inexact far before them. */
const time = fc.date({ min: new Date('0000-01-01'), max: new Date('9999-12-31'), noInvalidDate: true });

/** JSON under any key but one with a NUL, which MongoDB does not store as it is. There is no -0 in JSON text. */
const key = fc.oneof(
  fc.constantFrom('__proto__', 'constructor', '_bsontype', '$set', '$date', 'a.b', '', '2024', 'toBSON', 'toJSON'),
  text.filter((name) => !name.includes('\0')),
);
const { json } = fc.letrec<{ json: Json }>((tie) => ({
  json: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(null, true, false, '2026-01-31T09:00:00.000Z'),
    text,
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
    fc.integer(),
    fc.array(tie('json'), { maxLength: 4 }),
    fc.dictionary(key, tie('json'), { maxKeys: 4, noNullPrototype: true }),
  ),
}));
const jsonObject = fc.dictionary(key, json, { maxKeys: 5, noNullPrototype: true }) as fc.Arbitrary<JsonObject>;

const range = record({ start: text, end: orNull(text), timeZone: orNull(text) });
const instants = { startAt: orNull(time), endAt: orNull(time) };
const texts = fc.array(text, { maxLength: 4 });
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
const cut = fc.constantFrom({}, { complete: false as const });
const computed = { resultType: text, computed: fc.constant(true as const) };

/** What a type adds to a property's id, name and type. */
const details = fc.oneof(
  fc.tuple(record({ value: text }), cut).map(([fields, mark]) => ({ ...fields, ...mark })),
  fc.tuple(record({ value: texts }), cut).map(([fields, mark]) => ({ ...fields, ...mark })),
  record({ value: orNull(text), optionId: orNull(text) }),
  record({ value: texts, optionIds: texts }),
  record({ value: orNull(range), ...instants }),
  record({ value: json, ...instants }),
  record({ value: orNull(time) }),
  record({ value: orNull(text), number: orNull(number) }),
  record({ value: json }),
  record({ value: json, ...computed }),
  record({ value: orNull(range), ...instants, ...computed }),
  record({ value: fc.array(orNull(time), { maxLength: 4 }), ...computed }),
);

const property = fc.tuple(record({ id: text, name: text, type: text }), details).map(([head, more]): RowProperty => ({ ...head, ...more }));

/** Any content of a row, with every additional field that a type has. */
export const arbitraryRow: fc.Arbitrary<RowContent> = record({
  databaseId: text,
  dataSourceId: text,
  title: text,
  url: orNull(text),
  publicUrl: orNull(text),
  icon: json,
  cover: json,
  isArchived: fc.boolean(),
  isLocked: fc.boolean(),
  createdTime: orNull(time),
  lastEditedTime: orNull(time),
  createdBy: orNull(text),
  lastEditedBy: orNull(text),
  properties: fc.array(property, { maxLength: 6 }),
  related: texts,
  raw: jsonObject,
});
