import type { Db } from 'mongodb';
import { openCollection } from './collections.ts';
import { orUnavailable } from './errors.ts';
import { pageReads } from './page-reads.ts';

export interface ConnectionName {
  readonly connectionId: string;
  readonly providerConfigKey: string;
}

/** Nango's notice that a connection changed. Its new state is only available from Nango's API. */
export interface ConnectionNotice extends ConnectionName {
  readonly notedAt: Date;
  /** Nango has announced a deletion since the notice was last settled. */
  readonly isDeletionAnnounced: boolean;
  /** Nango's `updated_at` of the last admitted grant, or the time the tenant was purged; null: neither. */
  readonly takenGrant: Date | null;
  /** Failed attempts since it was noted. */
  readonly failures: number;
}

export interface LeftToOperator extends ConnectionName {
  readonly notedAt: Date;
  /** Why nothing was done. */
  readonly problem: string;
}

/**
 * Nango's notices about connections, one document per connection: a notice only requests a check, so order and number do not matter. Kept for
 * 30 days after it was settled. All reject with a `StoreUnavailableError` when MongoDB is unavailable.
 */
export interface ConnectionNotices {
  /** Durable when it resolves. */
  note(connection: ConnectionName, options: { readonly isDeletion: boolean }): Promise<void>;
  /** Takes a due notice for `leaseMs`; null: none is due. */
  take(leaseMs: number): Promise<ConnectionNotice | null>;
  /** Marks it as checked. One that was noted again meanwhile stays due. */
  settle(notice: ConnectionNotice, result: { readonly takenGrant: Date | null; readonly problem: string | null }): Promise<void>;
  postpone(notice: ConnectionNotice, waitMs: number): Promise<void>;
  /** Records that the tenant of these is purged, so that a late notice from Nango does not bring it back. Only the connection's id stays, for 30 days. */
  bar(connections: readonly ConnectionName[]): Promise<void>;
  /** Records that an operator has given it a tenant. */
  decide(connection: ConnectionName): Promise<void>;
  /** Connections at Nango whose tenant could not be determined. */
  leftToOperator(limit?: number): Promise<LeftToOperator[]>;
}

interface NoticeDocument {
  /** providerConfigKey and connectionId */
  readonly _id: string;
  readonly connectionId: string;
  readonly providerConfigKey: string;
  readonly notedAt: Date;
  readonly isDeletionAnnounced: boolean;
  readonly takenGrant: Date | null;
  readonly failures: number;
  readonly problem: string | null;
  /** Null: it was settled. */
  readonly dueAt: Date | null;
  readonly expiresAt: Date | null;
}

const keptMs = 30 * 24 * 60 * 60 * 1000;

export function createConnectionNotices(db: Db): ConnectionNotices {
  const notices = openCollection<NoticeDocument>(db, 'connectionNotices');
  return {
    async note(connection, { isDeletion }) {
      const now = new Date();
      const set = { ...connection, notedAt: now, dueAt: now, expiresAt: null, failures: 0 };
      await orUnavailable('a notice could not be stored', () =>
        notices.updateOne(
          { _id: idOf(connection) },
          {
            $set: { ...set, ...(isDeletion ? { isDeletionAnnounced: true } : {}) },
            $setOnInsert: { takenGrant: null, problem: null, ...(isDeletion ? {} : { isDeletionAnnounced: false }) },
          },
          { upsert: true },
        ),
      );
    },
    take: (leaseMs) =>
      orUnavailable('notices could not be read', async () => {
        const now = new Date();
        const taken = await notices.findOneAndUpdate({ dueAt: { $lte: now } }, { $set: { dueAt: later(leaseMs) } }, { sort: { dueAt: 1 } });
        if (taken === null) return null;
        const { connectionId, providerConfigKey, notedAt, isDeletionAnnounced, takenGrant, failures } = taken;
        return { connectionId, providerConfigKey, notedAt, isDeletionAnnounced, takenGrant, failures };
      }),
    async settle(notice, { takenGrant, problem }) {
      const done = { dueAt: null, expiresAt: later(keptMs), isDeletionAnnounced: false, failures: 0, takenGrant, problem };
      await orUnavailable('a notice could not be settled', async () => {
        const settled = await notices.updateOne({ _id: idOf(notice), notedAt: notice.notedAt }, { $set: done });
        if (settled.matchedCount === 0) await notices.updateOne({ _id: idOf(notice) }, { $set: { takenGrant } });
      });
    },
    async postpone(notice, waitMs) {
      await orUnavailable('a notice could not be postponed', () =>
        notices.updateOne(
          { _id: idOf(notice), notedAt: notice.notedAt },
          { $set: { dueAt: later(waitMs), failures: notice.failures + 1 } },
        ),
      );
    },
    async bar(connections) {
      const now = new Date();
      const done = { notedAt: now, dueAt: null, expiresAt: later(keptMs), isDeletionAnnounced: false, failures: 0, problem: null };
      for (const { connectionId, providerConfigKey } of connections) {
        const name = { connectionId, providerConfigKey };
        await orUnavailable('a notice could not be written', () =>
          notices.updateOne({ _id: idOf(name) }, { $set: { ...name, ...done, takenGrant: now } }, { upsert: true }),
        );
      }
    },
    async decide(connection) {
      await orUnavailable('a notice could not be settled', () => notices.updateOne({ _id: idOf(connection) }, { $set: { problem: null } }));
    },
    leftToOperator: (limit = 0) =>
      orUnavailable('notices could not be read', async () => {
        const found = await notices
          .find({ problem: { $type: 'string' } }, pageReads)
          .sort({ notedAt: 1 })
          .limit(limit)
          .toArray();
        return found.map(({ connectionId, providerConfigKey, notedAt, problem }) => ({
          connectionId,
          providerConfigKey,
          notedAt,
          problem: problem ?? '',
        }));
      }),
  };
}

function idOf({ connectionId, providerConfigKey }: ConnectionName): string {
  return JSON.stringify([providerConfigKey, connectionId]);
}

function later(ms: number): Date {
  return new Date(Date.now() + ms);
}
