import { randomUUID } from 'node:crypto';
import type { Db } from 'mongodb';
import { openCollection } from './collections.ts';
import { orUnavailable } from './errors.ts';

/** A part of a partition, and where the reading of it goes on. */
export interface ReplayRange {
  readonly partition: number;
  readonly from: number;
  readonly to: number;
  readonly next: number;
}

/** What a replay is asked for. */
export interface ReplayOrder {
  readonly source: 'states' | 'events';
  readonly workspaceId: string | null;
  readonly databaseId: string | null;
  /** The mirror itself, or a shadow of it: `mirror replay switch`. */
  readonly into: 'mirror' | 'shadow';
  /** Where it was told to begin; null: at the beginning. */
  readonly since: string | null;
}

export interface Replay extends ReplayOrder {
  readonly id: string;
  /** `switched`: the shadow that it built is the mirror now, or was thrown away. */
  readonly status: 'running' | 'done' | 'cancelled' | 'switched';
  readonly startedAt: Date;
  readonly updatedAt: Date;
  readonly ranges: readonly ReplayRange[];
  /** What became of what was read, by its word. */
  readonly counts: Readonly<Record<string, number>>;
}

/** Replays and how far they are. All reject with a `StoreUnavailableError` when MongoDB is away. */
export interface Replays {
  /** The newest one; null when there was none. */
  latest(): Promise<Replay | null>;
  create(order: ReplayOrder, ranges: readonly ReplayRange[]): Promise<Replay>;
  /** Takes a running one for some seconds. False: somebody is at it, or it has ended. */
  take(id: string): Promise<boolean>;
  /** Stores how far it is, and keeps it. False: it was cancelled, or somebody else has taken it. */
  save(id: string, ranges: readonly ReplayRange[], counts: Replay['counts'], status: 'running' | 'done'): Promise<boolean>;
  /** False: it has ended already. */
  cancel(id: string): Promise<boolean>;
  /** The shadow that it built is no shadow any more. */
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
      told(async () => {
        const found = await replays.findOne({}, { sort: { startedAt: -1 } });
        return found === null ? null : toReplay(found);
      }),
    create: (order, ranges) =>
      told(async () => {
        const now = new Date();
        const { source, into, workspaceId, databaseId, since } = order;
        const fields = { source, into, workspaceId, databaseId, since, startedAt: now, updatedAt: now, ranges: [...ranges], counts: {} };
        const document: ReplayDocument = { _id: randomUUID(), ...fields, status: 'running', ...held() };
        await replays.insertOne(document);
        return toReplay(document);
      }),
    take: (id) =>
      told(async () => {
        const free = { _id: id, status: 'running' as const, $or: [{ holder }, { heldUntil: { $lt: new Date() } }] };
        return (await replays.updateOne(free, { $set: held() })).matchedCount === 1;
      }),
    save: (id, ranges, counts, status) =>
      told(async () => {
        const change = { ranges: [...ranges], counts: { ...counts }, status, updatedAt: new Date(), ...held() };
        return (await replays.updateOne({ _id: id, holder, status: 'running' }, { $set: change })).matchedCount === 1;
      }),
    settleShadow: (id) =>
      told(async () => {
        await replays.updateOne({ _id: id, into: 'shadow' }, { $set: { status: 'switched', updatedAt: new Date() } });
      }),
    cancel: (id) =>
      told(async () => {
        const change = { $set: { status: 'cancelled' as const, updatedAt: new Date() } };
        return (await replays.updateOne({ _id: id, status: 'running' }, change)).matchedCount === 1;
      }),
  };
}

function told<T>(run: () => Promise<T>): Promise<T> {
  return orUnavailable('replays could not be read or written', run);
}

function toReplay({ _id, holder: _holder, heldUntil: _heldUntil, ...replay }: ReplayDocument): Replay {
  return { id: _id, ...replay };
}
