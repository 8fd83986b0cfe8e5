import { z } from 'zod';
import type { Random } from '../random.ts';
import { madeUpName, richText } from './made-up.ts';

/** A property of a data source's schema, as a user sees it. */
export const seenProperty = z.looseObject({ id: z.string(), name: z.string(), type: z.string() });
export type SeenProperty = z.output<typeof seenProperty>;

const selectConfig = z.looseObject({ options: z.array(z.looseObject({ id: z.string(), name: z.string() })).default([]) });
const relationConfig = z.looseObject({ data_source_id: z.string() });

/** What the cells of a row can name. */
export interface CellContext {
  readonly random: Random;
  /** The ids of people; some may be unknown to Notion. */
  readonly people: readonly string[];
  /** The ids of pages that a text can mention. */
  readonly pages: readonly string[];
  /** The ids of the live rows of a data source. */
  rowsOf(dataSourceId: string): readonly string[];
}

/** More people, related pages and mentions than a page object shows. */
const many = 30;

/** A value for a cell, as in a request by property id; null for a type that is computed or never filled. */
export function madeUpCell(property: SeenProperty, context: CellContext): unknown {
  const value = valueOf(property, context);
  return value === undefined ? null : { [property.type]: value };
}

/** The data source that a relation leads to; null for another type. */
export function relatedSource(property: SeenProperty): string | null {
  return relationConfig.safeParse(property['relation']).data?.data_source_id ?? null;
}

/** The options of a select, multi-select or status; none for another type. */
export function optionsIn(property: SeenProperty): readonly { readonly id: string; readonly name: string }[] {
  return selectConfig.safeParse(property[property.type]).data?.options ?? [];
}

function valueOf(property: SeenProperty, context: CellContext): unknown {
  const { random } = context;
  switch (property.type) {
    case 'title':
      return richText(madeUpName(random), random);
    case 'rich_text':
      return random.chance(0.3) ? mentions(context) : richText(madeUpName(random), random);
    case 'number':
      return random.pick([null, 0, -1.5, 0.1, 4_294_967_297, random.integer(1000)]);
    case 'checkbox':
      return random.chance(0.5);
    case 'select':
      return random.pick([null, someOption(property, random, true)]);
    case 'status':
      return someOption(property, random, false);
    case 'multi_select':
      return Array.from({ length: random.integer(4) }, () => someOption(property, random, true));
    case 'date':
      return madeUpDate(random);
    case 'people':
      return someOf(context.people, random).map((id) => ({ id }));
    case 'files':
      return random.pick<unknown>([
        [],
        [{ name: 'a b.png', file_upload: { id: random.uuid() } }],
        [
          { name: 'plan.pdf', external: { url: `https://example.com/${random.integer(100)}.pdf` } },
          { name: 'b.png', file_upload: { id: random.uuid() } },
        ],
      ]);
    case 'url':
      return random.pick([null, `https://example.com/a b?x=${random.integer(100)}`]);
    case 'email':
      return random.pick([null, `a${random.integer(100)}@example.com`]);
    case 'phone_number':
      return random.pick([null, `+49 30 ${random.integer(10_000)}`]);
    case 'relation':
      return someOf(context.rowsOf(relatedSource(property) ?? ''), random).map((id) => ({ id }));
    case 'place':
      return random.pick([null, { lat: random.integer(90), lon: 13.4, name: madeUpName(random) }]);
    case 'verification':
      return random.pick<unknown>([null, { state: 'verified', date: { start: '2026-01-01', end: null, time_zone: null } }]);
    default:
      return undefined;
  }
}

function someOption(property: SeenProperty, random: Random, isNewAllowed: boolean): { readonly name: string } | null {
  // A comma is what Notion refuses in an option's name; other odd characters are fine.
  if (isNewAllowed && random.chance(0.15)) return { name: `Option ${random.pick(['$a.b', '🚀', 'x'])} ${random.integer(20)}` };
  const option = random.pickAny(optionsIn(property));
  return option === undefined ? null : { name: option.name };
}

function madeUpDate(random: Random): unknown {
  const day = `2026-03-${String(10 + random.integer(20))}`;
  return random.pick<unknown>([
    null,
    { start: day },
    { start: day, end: '2026-04-01' },
    { start: `${day}T09:00:00.000+01:00` },
    // Not every clock in Berlin shows this hour.
    { start: '2026-03-29T02:30:00', time_zone: 'Europe/Berlin' },
  ]);
}

/** A text that names people, pages and days; sometimes more of them than a page object shows. */
function mentions({ random, people, pages }: CellContext): unknown[] {
  return Array.from({ length: random.chance(0.1) ? many : 1 + random.integer(3) }, () => {
    const [user, page] = [random.pickAny(people), random.pickAny(pages)];
    return random.pick<unknown>([
      { text: { content: madeUpName(random) } },
      { mention: { date: { start: '2026-05-01', end: null } } },
      { mention: user === undefined ? { date: { start: '2026-05-02', end: null } } : { user: { id: user } } },
      { mention: page === undefined ? { date: { start: '2026-05-03', end: null } } : { page: { id: page } } },
    ]);
  });
}

/** A few of these, once each; sometimes many. */
function someOf(ids: readonly string[], random: Random): string[] {
  const count = Math.min(random.chance(0.1) ? many : random.integer(4), ids.length);
  const start = random.integer(ids.length);
  return Array.from({ length: count }, (_, index) => ids[(start + index) % ids.length] ?? '');
}
