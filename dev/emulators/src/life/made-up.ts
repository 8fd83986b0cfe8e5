import type { Random } from '../random.ts';

const words = [
  'Tasks',
  'Projects',
  'Journal',
  'Kunden',
  'Réunions',
  'Бюджет',
  '計画',
  'Inventory',
  'Notes',
  'Roadmap',
  'Hiring',
  'Wiki',
] as const;
/** User-given names that break naive code. */
const oddNames = [
  'a.b.c',
  '$where',
  '__proto__',
  'constructor',
  '🚀 launch',
  '  spaces  ',
  'line\nbreak',
  '0',
  'مهام',
  '"quoted"',
  '{{x}}',
  '\u{1F468}\u{200D}\u{1F469}',
] as const;

export function madeUpName(random: Random): string {
  if (random.chance(0.05)) return '';
  const base = random.chance(0.15) ? random.pick(oddNames) : random.pick(words);
  return `${base} ${random.integer(1000)}`;
}

/** A property name that is unique in its data source. */
export function madeUpPropertyName(random: Random, taken: readonly string[]): string {
  const odd = random.pick(oddNames);
  if (random.chance(0.2) && !taken.includes(odd)) return odd;
  for (;;) {
    const name = `${random.pick(words)} ${random.integer(10_000)}`;
    if (!taken.includes(name)) return name;
  }
}

export function richText(content: string, random: Random): unknown[] {
  if (content === '') return [];
  if (!random.chance(0.3)) return [{ text: { content } }];
  // By code points: Notion does not split a character.
  const characters = Array.from(content);
  const middle = Math.floor(characters.length / 2);
  return [
    { text: { content: characters.slice(0, middle).join('') }, annotations: { bold: true } },
    { text: { content: characters.slice(middle).join(''), link: { url: 'https://example.com/' } } },
  ];
}

export function madeUpIcon(random: Random): unknown {
  const id = random.uuid();
  return random.pick<unknown>([
    { type: 'emoji', emoji: '📚' },
    { type: 'external', external: { url: `https://example.com/${id}.png` } },
    { type: 'file_upload', file_upload: { id } },
    { type: 'custom_emoji', custom_emoji: { id, name: 'party' } },
    null,
  ]);
}

export function madeUpCover(random: Random): unknown {
  const id = random.uuid();
  return random.pick<unknown>([
    { type: 'external', external: { url: `https://example.com/${id}.jpg` } },
    { type: 'file_upload', file_upload: { id } },
    null,
  ]);
}

/** The configuration of a property of a random type that needs no other data source. */
export function madeUpPropertyType(random: Random): Record<string, unknown> {
  const options = Array.from({ length: 1 + random.integer(4) }, (_, index) => ({
    name: `Option ${index} ${random.integer(100)}`,
    color: random.pick(['default', 'red', 'blue', 'green']),
  }));
  return random.pick<Record<string, unknown>>([
    { rich_text: {} },
    { number: { format: random.pick(['number', 'percent', 'euro']) } },
    { select: { options } },
    { multi_select: { options } },
    { status: {} },
    { date: {} },
    { people: {} },
    { files: {} },
    { checkbox: {} },
    { url: {} },
    { email: {} },
    { phone_number: {} },
    { formula: { expression: `prop("Name") + "${random.integer(100)}"` } },
    { created_time: {} },
    { created_by: {} },
    { last_edited_time: {} },
    { last_edited_by: {} },
    { unique_id: { prefix: random.text(3).toUpperCase() } },
  ]);
}

/** The title and a few more properties. */
export function madeUpProperties(random: Random): Record<string, unknown> {
  const properties: [string, unknown][] = [['Name', { title: {} }]];
  const count = random.integer(5);
  while (properties.length <= count) {
    const taken = properties.map(([name]) => name);
    properties.push([madeUpPropertyName(random, taken), madeUpPropertyType(random)]);
  }
  return Object.fromEntries(properties);
}
