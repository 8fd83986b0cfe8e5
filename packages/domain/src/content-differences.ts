/** The fields of a stored document: JSON, dates, arrays, plain objects. */
export type Fields = Readonly<Record<string, unknown>>;

/** One difference of two documents. `undefined`: absent on that side. */
export interface FieldDifference {
  /** `title`, `dataSources[<id>].properties[<id>].config`, `raw.database["a key"]`, or `… (order)`. An element is named by its id if it has one. */
  readonly path: string;
  readonly mirror: unknown;
  readonly notion: unknown;
}

export type NotionSight =
  | { readonly kind: 'live'; readonly fields: Fields }
  | { readonly kind: 'trashed' }
  /** No connection of the tenant can read it. */
  | { readonly kind: 'inaccessible' }
  /** It is a page that is no row (any more). */
  | { readonly kind: 'moved_away' };

export type MirrorVerdict =
  | { readonly kind: 'equal' }
  /** Notion shows it, the mirror does not. */
  | { readonly kind: 'missing' }
  /** The mirror shows it, Notion does not. */
  | { readonly kind: 'extra'; readonly because: Exclude<NotionSight['kind'], 'live'> }
  | { readonly kind: 'stale'; readonly fields: readonly FieldDifference[] };

/** The result of comparing one entity. `mirror`: null when the mirror does not show it, as for a tombstone. */
export function mirrorVerdict(mirror: Fields | null, notion: NotionSight): MirrorVerdict {
  if (notion.kind !== 'live') return mirror === null ? { kind: 'equal' } : { kind: 'extra', because: notion.kind };
  if (mirror === null) return { kind: 'missing' };
  const fields = contentDifferences(mirror, notion.fields);
  return fields.length === 0 ? { kind: 'equal' } : { kind: 'stale', fields };
}

/**
 * The differences of two documents of `docs/data-model.md`: fields for readers first, `raw` last. Empty exactly when they are equal, apart from
 * parts that vary between Notion's responses without a change: the order of keys, the signatures of file URLs, and the `request_id` of each
 * response in `raw` (which a page has when it was fetched by itself, not when it was queried).
 */
export function contentDifferences(mirror: Fields, notion: Fields): FieldDifference[] {
  const found: FieldDifference[] = [];
  const trail: string[] = [];

  function visit(segment: string, a: unknown, b: unknown): void {
    trail.push(segment);
    compare(a, b);
    trail.pop();
  }

  function differ(a: unknown, b: unknown, suffix = ''): void {
    found.push({ path: `${trail.join('').replace(/^\./, '')}${suffix}`, mirror: a, notion: b });
  }

  function compare(a: unknown, b: unknown): void {
    if (Array.isArray(a) && Array.isArray(b)) compareArrays(a, b);
    else if (isFields(a) && isFields(b)) compareFields(a, b);
    else if (a instanceof Date && b instanceof Date ? !Object.is(a.getTime(), b.getTime()) : a !== b && !Object.is(a, b)) differ(a, b);
  }

  function compareFields(a: Fields, b: Fields): void {
    const signed = isSignedFile(a) && isSignedFile(b);
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
      if (signed && key === 'expiry_time') continue;
      if (signed && key === 'url') visit('.url', withoutQuery(a[key]), withoutQuery(b[key]));
      else visit(segmentOf(key), own(a, key), own(b, key));
    }
  }

  function compareArrays(a: readonly unknown[], b: readonly unknown[]): void {
    const byIdA = byId(a);
    const byIdB = byId(b);
    if (byIdA === null || byIdB === null) {
      for (let index = 0; index < Math.max(a.length, b.length); index += 1) visit(`[${index}]`, a[index], b[index]);
      return;
    }
    for (const id of new Set([...byIdA.keys(), ...byIdB.keys()])) visit(`[${id}]`, byIdA.get(id), byIdB.get(id));
    const orderA = [...byIdA.keys()].filter((id) => byIdB.has(id));
    const orderB = [...byIdB.keys()].filter((id) => byIdA.has(id));
    if (orderA.some((id, index) => id !== orderB[index])) differ(orderA, orderB, ' (order)');
  }

  const { raw: rawMirror, ...fieldsMirror } = mirror;
  const { raw: rawNotion, ...fieldsNotion } = notion;
  compareFields(fieldsMirror, fieldsNotion);
  visit('raw', withoutRequestIds(rawMirror), withoutRequestIds(rawNotion));
  return found;
}

/** Elements by their own id, in order; null when one has none or two share one. */
function byId(items: readonly unknown[]): Map<string, unknown> | null {
  const found = new Map<string, unknown>();
  for (const item of items) {
    const id = isFields(item) ? own(item, 'id') : undefined;
    if (typeof id !== 'string' || found.has(id)) return null;
    found.set(id, item);
  }
  return found;
}

/** False for a value of a database driver's class (from a manual edit), which equals nothing that comes from JSON. */
function isFields(value: unknown): value is Fields {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Keys are user text, so a key may be `__proto__` or `constructor`. */
function own(fields: Fields, key: string): unknown {
  return Object.hasOwn(fields, key) ? fields[key] : undefined;
}

/** Properties that users named `url` and `expiry_time` are objects, not strings. */
function isSignedFile(fields: Fields): boolean {
  return typeof own(fields, 'url') === 'string' && typeof own(fields, 'expiry_time') === 'string';
}

function withoutQuery(url: unknown): unknown {
  return typeof url === 'string' ? url.split('?', 1)[0] : url;
}

/** `raw` holds responses, as for a database, or is one, as for a row. */
function withoutRequestIds(raw: unknown): unknown {
  if (!isFields(raw)) return raw;
  const { database, dataSources, request_id: _, ...rest } = raw;
  return {
    ...rest,
    database: withoutRequestId(database),
    dataSources: Array.isArray(dataSources) ? dataSources.map(withoutRequestId) : dataSources,
  };
}

function withoutRequestId(answer: unknown): unknown {
  if (!isFields(answer)) return answer;
  const { request_id: _, ...rest } = answer;
  return rest;
}

function segmentOf(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}
