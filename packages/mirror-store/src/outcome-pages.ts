import type { Db, Filter } from 'mongodb';
import { ObjectId } from 'mongodb';
import { openCollection } from './collections.ts';
import { orUnavailable } from './errors.ts';
import { needsLookIndex, type EventOutcome, type OutcomeDocument } from './event-outcomes.ts';
import { pageReads } from './page-reads.ts';

/** `id`: the outcome's own. */
export interface KeptOutcome extends EventOutcome, Pick<OutcomeDocument, 'needsLook'> {
  readonly id: string;
}

/** All given conditions hold. `about`: the id of an event, database, data source or row. */
export interface OutcomeQuery {
  readonly workspaceId?: string | undefined;
  readonly about?: string | undefined;
  readonly types?: readonly string[] | undefined;
  readonly outcomes?: readonly string[] | undefined;
  readonly origins?: readonly string[] | undefined;
  readonly services?: readonly string[] | undefined;
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
  readonly minMs?: number | undefined;
  /** Only those that need a look. */
  readonly needsLook?: boolean | undefined;
}

/** Where the next page begins: below an outcome's id; with `about`, at a time, without those of that millisecond that were on a page already. */
export type OutcomeCursor = { readonly below: string } | { readonly at: number; readonly seen: readonly string[] };

export interface OutcomePage {
  /** Latest first. */
  readonly outcomes: readonly KeptOutcome[];
  /** Null: there are no more. */
  readonly next: OutcomeCursor | null;
  /** How far back the page has looked, when there may be more. */
  readonly searchedTo: Date | null;
}

/** Kept outcomes for people. All reject with a `StoreUnavailableError`, also when MongoDB takes longer than two seconds. */
export interface OutcomePages {
  /** Looks at no more than 50,000 outcomes, so a page can be short and have a next one. */
  page(query: OutcomeQuery, cursor: OutcomeCursor | null, limit: number): Promise<OutcomePage>;
  /** By the outcome's id; null: it is not kept (any more). */
  byId(id: string): Promise<KeptOutcome | null>;
  /** The latest ones of an event, latest first. */
  ofEvent(eventId: string, limit: number): Promise<readonly KeptOutcome[]>;
  /** Those of the events (at most 1,000) that have ended since then, other than as dead letters. */
  ended(eventIds: readonly string[], since: Date): Promise<ReadonlySet<string>>;
}

/** Keys that one page looks at, when only the documents can tell whether they match. */
const windowKeys = 50_000;
const unreadable = 'outcomes could not be read';
const projection = { subjects: 0, expiresAt: 0 } as const;

export function openOutcomePages(db: Db): OutcomePages {
  const outcomes = openCollection<OutcomeDocument>(db, 'eventOutcomes');

  /** By `_id`: they are made when the work ends, so they are in order of time to the second. */
  async function inOrder(query: OutcomeQuery, below: string | null, limit: number): Promise<OutcomePage> {
    const { scope, hint, conditions } = planOf(query);
    const start = { ...idsOf(query), ...(below === null ? {} : { $lt: new ObjectId(below) }) };
    const lowest = Object.keys(conditions).length === 0 ? null : await keyAt({ ...scope, ...within(start) }, hint);
    const range = lowest === null ? start : { ...start, $gte: lowest };
    const found = await outcomes
      .find({ ...scope, ...within(range), ...conditions }, { ...pageReads, ...hint, projection, limit: limit + 1 })
      .sort({ _id: -1 })
      .toArray();
    const shown = found.slice(0, limit);
    const isFull = found.length > limit;
    const last = isFull ? shown.at(-1)?._id : lowest;
    return {
      // An outcome can be written a moment after a later one of another process.
      outcomes: shown.map(kept).toSorted((a, b) => b.at.getTime() - a.at.getTime()),
      next: last === undefined || last === null ? null : { below: last.toHexString() },
      searchedTo: last === undefined || last === null ? null : last.getTimestamp(),
    };
  }

  /** The key a window further back, read from the index alone; null: there are fewer. */
  async function keyAt(filter: Filter<OutcomeDocument>, hint: Plan['hint']): Promise<ObjectId | null> {
    const options = { ...pageReads, ...hint, projection: { _id: 1 }, skip: windowKeys, limit: 1 };
    const [found] = await outcomes.find(filter, options).sort({ _id: -1 }).toArray();
    return found?._id ?? null;
  }

  async function about(subject: string, query: OutcomeQuery, cursor: OutcomeCursor | null, limit: number): Promise<OutcomePage> {
    const start = cursor !== null && 'at' in cursor ? cursor : null;
    const at = {
      ...(query.from === undefined ? {} : { $gte: query.from }),
      ...(start === null ? (query.to === undefined ? {} : { $lt: query.to }) : { $lte: new Date(start.at) }),
    };
    const filter: Filter<OutcomeDocument> = {
      subjects: subject,
      ...(Object.keys(at).length === 0 ? {} : { at }),
      ...(query.workspaceId === undefined ? {} : { workspaceId: query.workspaceId }),
      ...(query.needsLook === true ? { needsLook: true } : {}),
      ...(start === null || start.seen.length === 0 ? {} : { _id: { $nin: start.seen.map((id) => new ObjectId(id)) } }),
      ...conditionsOf({ ...query, from: undefined, to: undefined }),
    };
    const found = await outcomes
      .find(filter, { ...pageReads, projection, limit: limit + 1 })
      .sort({ at: -1 })
      .toArray();
    const shown = found.slice(0, limit).map(kept);
    const last = found.length > limit ? shown.at(-1) : undefined;
    if (last === undefined) return { outcomes: shown, next: null, searchedTo: null };
    const ofThatTime = shown.filter((one) => one.at.getTime() === last.at.getTime()).map(({ id }) => id);
    const before = start?.at === last.at.getTime() ? start.seen : [];
    return { outcomes: shown, next: { at: last.at.getTime(), seen: [...before, ...ofThatTime] }, searchedTo: last.at };
  }

  return {
    page: (query, cursor, limit) =>
      orUnavailable(unreadable, () =>
        query.about === undefined
          ? inOrder(query, cursor !== null && 'below' in cursor ? cursor.below : null, limit)
          : about(query.about, query, cursor, limit),
      ),
    byId: (id) =>
      orUnavailable(unreadable, async () => {
        const found = await outcomes.findOne({ _id: new ObjectId(id) }, { ...pageReads, projection });
        return found && kept(found);
      }),
    ofEvent: (eventId, limit) =>
      orUnavailable(unreadable, async () => {
        const found = await outcomes
          .find({ subjects: eventId, $or: [{ eventId }, { others: eventId }] }, { ...pageReads, projection, limit })
          .sort({ at: -1 })
          .toArray();
        return found.map(kept);
      }),
    ended: (eventIds, since) =>
      orUnavailable(unreadable, async () => {
        const wanted = new Set(eventIds);
        const filter: Filter<OutcomeDocument> = { subjects: { $in: [...wanted] }, at: { $gte: since }, outcome: { $ne: 'dead_letter' } };
        const found = await outcomes.find(filter, { ...pageReads, projection: { eventId: 1, others: 1 } }).toArray();
        return new Set(found.flatMap(({ eventId, others = [] }) => [eventId, ...others]).filter((id) => wanted.has(id)));
      }),
  };
}

/** Whether the text is an id of an outcome. */
export function isOutcomeId(text: string): boolean {
  return /^[0-9a-f]{24}$/.test(text);
}

function kept({ _id, ...outcome }: Omit<OutcomeDocument, 'subjects' | 'expiresAt'>): KeptOutcome {
  return { id: _id.toHexString(), ...outcome };
}

function within(range: Filter<OutcomeDocument>['_id'] & object): Filter<OutcomeDocument> {
  return Object.keys(range).length === 0 ? {} : { _id: range };
}

/** The ids of the outcomes of that time, to the second. */
function idsOf({ from, to }: OutcomeQuery): { $gte?: ObjectId; $lt?: ObjectId } {
  return { ...(from === undefined ? {} : { $gte: firstIdOf(from, 0) }), ...(to === undefined ? {} : { $lt: firstIdOf(to, 1) }) };
}

function firstIdOf(time: Date, addedSeconds: number): ObjectId {
  return ObjectId.createFromTime(Math.max(0, Math.floor(time.getTime() / 1000) + addedSeconds));
}

/** How the keys of an index are followed: `scope` is what they answer, `conditions` is what only the documents do. */
interface Plan {
  readonly scope: Filter<OutcomeDocument>;
  readonly hint: { readonly hint?: string };
  readonly conditions: Filter<OutcomeDocument>;
}

function planOf(query: OutcomeQuery): Plan {
  const ofTenant: Filter<OutcomeDocument> = query.workspaceId === undefined ? {} : { workspaceId: query.workspaceId };
  if (query.needsLook !== true) return { scope: ofTenant, hint: {}, conditions: conditionsOf(query) };
  // A tenant has far more events than all tenants have that need a look.
  return { scope: { needsLook: true }, hint: { hint: needsLookIndex }, conditions: { ...ofTenant, ...conditionsOf(query) } };
}

/** What no key of an index answers. */
function conditionsOf({ types, outcomes, origins, services, from, to, minMs }: OutcomeQuery): Filter<OutcomeDocument> {
  const [type, outcome, origin, service] = [types, outcomes, origins, services].map(oneOf);
  const at = { ...(from === undefined ? {} : { $gte: from }), ...(to === undefined ? {} : { $lt: to }) };
  return {
    ...(type ? { type } : {}),
    ...(outcome ? { outcome } : {}),
    ...(origin ? { origin } : {}),
    ...(service ? { service } : {}),
    ...(Object.keys(at).length === 0 ? {} : { at }),
    ...(minMs === undefined ? {} : { $expr: { $gte: [{ $subtract: ['$at', '$receivedAt'] }, minMs] } }),
  } as Filter<OutcomeDocument>;
}

function oneOf(values: readonly string[] | undefined): { $in: string[] } | null {
  return values === undefined || values.length === 0 ? null : { $in: [...values] };
}
