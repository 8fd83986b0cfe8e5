/**
 * Is the mirror equal to Notion, field by field? Written from docs/data-model.md alone, without the product's own mapping,
 * so that a mistake there shows as a difference here.
 */

type JsonRecord = Readonly<Record<string, unknown>>;

/** A database as Notion's API answers: the container, and every data source it lists (null: that one answers 404). */
export interface NotionTruth {
  readonly database: JsonRecord;
  readonly dataSources: readonly { readonly id: string; readonly name: string; readonly answer: JsonRecord | null }[];
}

export interface Difference {
  readonly databaseId: string;
  /** Only for a row. */
  readonly pageId?: string;
  /** `document` when one side lacks the database or row altogether. */
  readonly field: string;
  readonly mirror: unknown;
  readonly notion: unknown;
}

/** Compares all documents of one tenant's view `databases` with what Notion shows that tenant now. Empty: they are equal. */
export function differences(documents: readonly JsonRecord[], truths: readonly NotionTruth[]): Difference[] {
  const found: Difference[] = [];
  const mirrored = new Map(documents.map((document) => [String(document['databaseId']), document]));
  for (const truth of truths) {
    const databaseId = String(truth.database['id']);
    const document = mirrored.get(databaseId);
    mirrored.delete(databaseId);
    if (document === undefined) {
      found.push({ databaseId, field: 'document', mirror: 'missing', notion: 'present' });
      continue;
    }
    for (const [field, expected] of Object.entries(expectedFields(truth))) {
      const notion = comparable(expected);
      const mirror = comparable(document[field]);
      if (JSON.stringify(mirror) !== JSON.stringify(notion)) found.push({ databaseId, field, mirror, notion });
    }
  }
  for (const databaseId of mirrored.keys()) found.push({ databaseId, field: 'document', mirror: 'present', notion: 'missing' });
  return found;
}

function expectedFields({ database, dataSources }: NotionTruth): JsonRecord {
  return {
    title: plainText(database['title']),
    description: plainText(database['description']),
    url: database['url'] ?? null,
    publicUrl: database['public_url'] ?? null,
    icon: database['icon'] ?? null,
    cover: database['cover'] ?? null,
    parent: parent(database['parent']),
    isInline: database['is_inline'] === true,
    isLocked: database['is_locked'] === true,
    createdTime: time(database['created_time']),
    lastEditedTime: time(database['last_edited_time']),
    dataSources: dataSources.map(({ id, name, answer }) =>
      answer === null ? { id, name, accessible: false } : dataSource(id, name, answer),
    ),
    raw: { database, dataSources: dataSources.flatMap(({ answer }) => (answer === null ? [] : [answer])) },
  };
}

function dataSource(id: string, name: string, answer: JsonRecord): JsonRecord {
  const properties = Object.values(record(answer['properties'])).map((value) => {
    const property = record(value);
    return {
      id: property['id'],
      name: property['name'],
      type: property['type'],
      description: property['description'] ?? null,
      config: property[String(property['type'])] ?? null,
    };
  });
  return {
    id,
    name,
    title: plainText(answer['title']),
    description: plainText(answer['description']),
    icon: answer['icon'] ?? null,
    cover: answer['cover'] ?? null,
    url: answer['url'] ?? null,
    parent: parent(answer['parent']),
    createdTime: time(answer['created_time']),
    lastEditedTime: time(answer['last_edited_time']),
    inTrash: (answer['in_trash'] ?? answer['archived']) === true,
    properties,
  };
}

function plainText(richText: unknown): string {
  return Array.isArray(richText) ? richText.map((part) => textOf(record(part)['plain_text'])).join('') : '';
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function parent(value: unknown): JsonRecord {
  const { type, ...rest } = record(value);
  const id = rest[String(type)];
  return { type, id: typeof id === 'string' ? id : null };
}

function time(value: unknown): Date | null {
  return typeof value === 'string' ? new Date(value) : null;
}

function record(value: unknown): JsonRecord {
  return typeof value === 'object' && value !== null ? (value as JsonRecord) : {};
}

/** Keys sorted, dates as ISO text, texts as UTF-8 can hold them, and signed file URLs without what changes at every GET. */
function comparable(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString();
  // BSON is UTF-8: an unpaired surrogate cannot be stored.
  if (typeof value === 'string') return value.toWellFormed();
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== 'object' || value === null) return value ?? null;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const isSignedFile = 'expiry_time' in value && 'url' in value;
  return Object.fromEntries(
    entries.flatMap(([key, inner]) => {
      // Each answer has a request id of its own.
      if (key === 'request_id' || (isSignedFile && key === 'expiry_time')) return [];
      if (isSignedFile && key === 'url') return [[key, String(inner).split('?', 1)[0]]];
      return [[key, comparable(inner)]];
    }),
  );
}
