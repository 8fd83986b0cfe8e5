import { randomUUID } from 'node:crypto';
import type { Db } from 'mongodb';
import { openCollection } from './collections.ts';
import { orUnavailable } from './errors.ts';
import { pageReads } from './page-reads.ts';

/** A part of a partition, and the offset where reading continues. */
export interface ReplayRange {
  /** Missing in replays that were stored when each source had one topic. */
  readonly topic?: string;
  readonly partition: number;
  readonly from: number;
  readonly to: number;
  readonly next: number;
}

/** The parameters of a replay. */
export interface ReplayOrder {
  readonly source: 'states' | 'events';
  readonly workspaceId: string | null;
  readonly databaseId: string | null;
  /** The mirror itself, or a shadow of it: `mirror replay switch`. */
  readonly into: 'mirror' | 'shadow';
  /** The requested start; null: the beginning. */
  readonly since: string | null;
}

export interface Replay extends ReplayOrder {
  readonly id: string;
  /** `switched`: the shadow it built is now the mirror, or was discarded. */
  readonly status: 'running' | 'done' | 'cancelled' | 'switched';
  readonly startedAt: Date;
  readonly updatedAt: Date;
  readonly ranges: readonly ReplayRange[];
  /** Records read, by result. */
  readonly counts: Readonly<Record<string, number>>;
}

/** Replays and their progress. All reject with a `StoreUnavailableError` when MongoDB is unavailable. */
export interface Replays {
  /** The latest; null when there was none. */
  latest(): Promise<Replay | null>;
  /** Latest first, those that began before `before`; null: all. */
  list(before: Date | null, limit: number): Promise<Replay[]>;
  /** Null: there is none. */
  get(id: string): Promise<Replay | null>;
  create(order: ReplayOrder, ranges: readonly ReplayRange[]): Promise<Replay>;
  /** Takes a running one for some seconds. False: another process holds it, or it has ended. */
  take(id: string): Promise<boolean>;
  /** Stores its progress, and extends the lease. False: it was cancelled, or another process has taken it. */
  save(id: string, ranges: readonly ReplayRange[], counts: Replay['counts'], status: 'running' | 'done'): Promise<boolean>;
  /** False: it has ended already. */
  cancel(id: string): Promise<boolean>;
  /** Records that the shadow it built is no longer a shadow. */
  settleShadow(id: string): Promise<void>;
}

interface ReplayDocument extends Omit<Replay, 'id'> {
  readonly _id: string;
  readonly holder: string | null;
  readonly heldUntil: Date;
}

const holdMs = 10_000;

export function createReplays(db: Db): Replays {
  const replays = openCollection<ReplayDocument>(db, 'replays');
  const holder = randomUUID();
  const held = () => ({ holder, heldUntil: new Date(Date.now() + holdMs) });

  return {
    latest: () =>
      orStoreError(async () => {
        const found = await replays.findOne({}, { sort: { startedAt: -1 } });
        return found === null ? null : toReplay(found);
      }),
    list: (before, limit) =>
      orStoreError(async () => {
        const filter = before === null ? {} : { startedAt: { $lt: before } };
        const found = await replays.find(filter, { ...pageReads, sort: { startedAt: -1 }, limit }).toArray();
        return found.map(toReplay);
      }),
    get: (id) =>
      orStoreError(async () => {
        const found = await replays.findOne({ _id: id }, pageReads);
        return found === null ? null : toReplay(found);
      }),
    create: (order, ranges) =>
      orStoreError(async () => {
        const now = new Date();
        const { source, into, workspaceId, databaseId, since } = order;
        const fields = { source, into, workspaceId, databaseId, since, startedAt: now, updatedAt: now, ranges: [...ranges], counts: {} };
        const document: ReplayDocument = { _id: randomUUID(), ...fields, status: 'running', ...held() };
        await replays.insertOne(document);
        return toReplay(document);
      }),
    take: (id) =>
      orStoreError(async () => {
        const free = { _id: id, status: 'running' as const, $or: [{ holder }, { heldUntil: { $lt: new Date() } }] };
        return (await replays.updateOne(free, { $set: held() })).matchedCount === 1;
      }),
    save: (id, ranges, counts, status) =>
      orStoreError(async () => {
        const change = { ranges: [...ranges], counts: { ...counts }, status, updatedAt: new Date(), ...held() };
        return (await replays.updateOne({ _id: id, holder, status: 'running' }, { $set: change })).matchedCount === 1;
      }),
    settleShadow: (id) =>
      orStoreError(async () => {
        await replays.updateOne({ _id: id, into: 'shadow' }, { $set: { status: 'switched', updatedAt: new Date() } });
      }),
    cancel: (id) =>
      orStoreError(async () => {
        const change = { $set: { status: 'cancelled' as const, updatedAt: new Date() } };
        return (await replays.updateOne({ _id: id, status: 'running' }, change)).matchedCount === 1;
      }),
  };
}

function orStoreError<T>(run: () => Promise<T>): Promise<T> {
  return orUnavailable('replays could not be read or written', run);
}

function toReplay({ _id, holder: _holder, heldUntil: _heldUntil, ...replay }: ReplayDocument): Replay {
  return { id: _id, ...replay };
}
