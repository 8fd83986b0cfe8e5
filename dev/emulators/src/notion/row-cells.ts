import { z } from 'zod';
import type { Json } from '../json.ts';
import type { Actions } from './actions.ts';
import { validationError } from './errors.ts';
import type { Actor, Cell, DataSourceNode, RichText } from './model.ts';
import { parseId } from './ids.ts';
import { optionsOf } from './property-options.ts';
import type { PlainProperty, Property } from './properties.ts';
import { parseBody } from './request.ts';
import { richTextRequest } from './rich-text.ts';

export interface Cells {
  readonly title?: RichText;
  readonly values: ReadonlyMap<string, Cell>;
}

const titleValue = z.union([richTextRequest, z.looseObject({ title: richTextRequest }).transform((value) => value.title)]);
const option = z.looseObject({ id: z.string().optional(), name: z.string().max(100).optional() });
const text = z.string().nullable();
const page = z.looseObject({ id: z.string() }).transform(({ id }) => parseId(id) ?? id);
const person = z
  .looseObject({ object: z.enum(['user', 'group']).default('user'), id: z.string() })
  .transform(({ object, id }) => ({ object, id }));
const file = z.union([
  z
    .looseObject({ name: z.string(), external: z.looseObject({ url: z.string() }) })
    .transform(({ name, external: { url } }) => ({ name, url })),
  z
    .looseObject({ name: z.string(), file_upload: z.looseObject({ id: z.string() }) })
    .transform(({ name, file_upload: { id } }) => ({ name, fileId: id })),
]);
const date = z
  .looseObject({ start: z.string(), end: text.default(null), time_zone: text.default(null) })
  .transform(({ start, end, time_zone }) => ({ start, end, time_zone }));

/** What is stored of a cell's value in a request. A type that is not listed is stored as given. */
const stored: Partial<Record<Property['type'], z.ZodType<Json>>> = {
  rich_text: richTextRequest,
  url: text,
  email: text,
  phone_number: text,
  number: z.number().nullable(),
  checkbox: z.boolean(),
  date: date.nullable(),
  people: z.array(person).max(100),
  files: z.array(file).max(100),
  relation: z.array(page).max(100),
};

const computed: readonly Property['type'][] = [
  'formula',
  'rollup',
  'unique_id',
  'button',
  'created_by',
  'created_time',
  'last_edited_by',
  'last_edited_time',
];

/**
 * The cells of a request, given by property name or id. Unknown options of a select or multi-select are added to the schema, as Notion does,
 * after everything else has been checked. Throws `validation_error`.
 */
export function readCells(
  actions: Pick<Actions, 'editDataSource'>,
  actor: Actor,
  source: DataSourceNode | undefined,
  given: Readonly<Record<string, unknown>>,
): Cells {
  const values = new Map<string, Cell>();
  const selected: (readonly [PlainProperty, readonly z.output<typeof option>[]])[] = [];
  let title: RichText | undefined;
  for (const [key, value] of Object.entries(given)) {
    const property = source?.properties.find(({ id, name }) => id === key || name === key || decodeURIComponent(id) === key);
    const isTitle = source === undefined ? key === 'title' : property?.type === 'title';
    if (isTitle) title = parseBody(titleValue, value);
    else if (property === undefined) throw validationError(`${key} is not a property that exists.`);
    else if (computed.includes(property.type)) throw validationError(`${key} is a computed property and cannot be set.`);
    else if (property.type === 'select' || property.type === 'status' || property.type === 'multi_select') {
      selected.push([property, selectedOptions(property, value)]);
    } else {
      const schema = stored[property.type] ?? z.json();
      values.set(property.id, {
        type: property.type,
        value: parseBody(z.looseObject({ [property.type]: schema }), value)[property.type] ?? null,
      });
    }
  }
  for (const [property, options] of selected) {
    if (source !== undefined) addOptions(actions, actor, source, property, options);
    const ids = options.map((each) => idOf(source?.properties.find(({ id }) => id === property.id) ?? property, each) ?? '');
    values.set(property.id, { type: property.type, value: property.type === 'multi_select' ? ids : (ids[0] ?? null) });
  }
  return { ...(title === undefined ? {} : { title }), values };
}

function selectedOptions(property: PlainProperty, value: unknown): readonly z.output<typeof option>[] {
  const { type } = property;
  const options =
    type === 'multi_select'
      ? parseBody(z.looseObject({ multi_select: z.array(option).max(100) }), value).multi_select
      : [parseBody(z.looseObject({ [type]: option.nullable() }), value)[type] as z.output<typeof option> | null].filter(
          (each) => each !== null,
        );
  for (const each of options) {
    if (idOf(property, each) !== undefined) continue;
    if (type === 'status' || each.name === undefined)
      throw validationError(`${each.name ?? each.id} is not an option of ${property.name}.`);
  }
  return options;
}

function addOptions(
  actions: Pick<Actions, 'editDataSource'>,
  actor: Actor,
  source: DataSourceNode,
  property: PlainProperty,
  wanted: readonly z.output<typeof option>[],
): void {
  const added = wanted.flatMap(({ name, id }) => (name === undefined || idOf(property, { name, id }) !== undefined ? [] : [{ name }]));
  if (added.length === 0) return;
  const options = [...optionsOf(property).map(({ id }) => ({ id })), ...added];
  actions.editDataSource(actor, source, { properties: [[property.id, { kind: 'plain', type: property.type, config: {}, options }]] });
}

function idOf(property: Property, { id, name }: z.output<typeof option>): string | undefined {
  return optionsOf(property).find((each) => (id === undefined ? each.name === name : each.id === id))?.id;
}
