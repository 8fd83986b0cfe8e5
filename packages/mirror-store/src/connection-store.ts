import type { Connection, ConnectionStatus } from '@notion-mirror/domain/connection';
import { MongoServerError, type Db, type Filter } from 'mongodb';
import { openCollection } from './collections.ts';
import { toConnection, type ConnectionDocument } from './connection-document.ts';
import { duplicateKey, orUnavailable, unavailable } from './errors.ts';

export interface NewConnection {
  readonly connectionId: string;
  readonly providerConfigKey: string;
  readonly workspaceId: string;
  readonly notionWorkspaceId: string;
  readonly botId: string | null;
  /** Encrypted by `encryptToken`; null when Nango holds the token. */
  readonly token: string | null;
}

/** `unchanged`: it exists, but its status (or a change since it was seen) does not allow this. */
export type StatusChange =
  | { readonly kind: 'changed'; readonly connection: Connection }
  | { readonly kind: 'unchanged'; readonly connection: Connection }
  | { readonly kind: 'not_found' };

/** Changes of connections by operators and workers. All reject with a `StoreUnavailableError` when MongoDB is unavailable. */
export interface ConnectionStore {
  /**
   * Creates a connection, or replaces an existing one (`previous`) and makes it active. Nango's connection ids are unique only within an integration: one
   * in use by another integration for another tenant is left unchanged (`taken`), unless it was removed.
   */
  add(
    connection: NewConnection,
  ): Promise<
    | { readonly kind: 'added'; readonly connection: Connection; readonly previous: Connection | null }
    | { readonly kind: 'taken'; readonly by: Connection }
  >;
  /**
   * Admits a grant held by Nango: adds the connection, or makes the connection `seen` active again with the current grant. Null: it was
   * written since (or exists, when `seen` is null), and nothing was changed.
   */
  admit(seen: Connection | null, grant: Omit<NewConnection, 'token'>): Promise<Connection | null>;
  get(connectionId: string): Promise<Connection | null>;
  /** All, or a tenant's, in order of creation. */
  list(workspaceId?: string): Promise<Connection[]>;
  /** Of all, for counting. */
  states(): Promise<readonly Pick<Connection, 'workspaceId' | 'status'>[]>;
  pause(connectionId: string, reason: string | null): Promise<StatusChange>;
  /** Makes it active again after a pause or after `unauthorized`. A removed one has lost its token: add it again. */
  resume(connectionId: string): Promise<StatusChange>;
  /** Makes the connection `seen` active because Notion accepts its token again, only if it is still unauthorized and was not written since. */
  readmit(seen: Connection): Promise<StatusChange>;
  /** Status `deleted`, the token erased. Its documents stay until the tenant is purged. */
  remove(connectionId: string, reason: string | null): Promise<StatusChange>;
  /**
   * Marks the connection `seen` unauthorized because Notion refuses its token, only if it is still active and was not written since: the
   * customer may just have reconnected, or an operator paused it.
   */
  markUnauthorized(seen: Connection, reason: string): Promise<StatusChange>;
  /** Marks the connection `seen` deleted because it is gone at Nango, only if it was not written since. */
  markDeleted(seen: Connection, reason: string): Promise<StatusChange>;
}

export function createConnectionStore(db: Db): ConnectionStore {
  const connections = openCollection<ConnectionDocument>(db, 'connections');

  async function change(
    filter: Filter<ConnectionDocument> & { readonly _id: string },
    from: readonly ConnectionStatus[],
    set: { readonly status: ConnectionStatus; readonly statusReason: string | null; readonly token?: null },
  ): Promise<StatusChange> {
    const changed = await write(() =>
      connections.findOneAndUpdate({ ...filter, status: { $in: from } }, [{ $set: { ...literally(set), updatedAt: nextTime } }], {
        returnDocument: 'after',
      }),
    );
    if (changed !== null) return { kind: 'changed', connection: toConnection(changed) };
    const found = await read(() => connections.findOne({ _id: filter._id }));
    return found === null ? { kind: 'not_found' } : { kind: 'unchanged', connection: toConnection(found) };
  }

  return {
    async add({ connectionId, ...given }) {
      const set = { ...literally({ ...given, status: 'active', statusReason: null }), updatedAt: nextTime, createdAt: firstTime };
      const { providerConfigKey, workspaceId } = given;
      const ours = { _id: connectionId, $or: [{ providerConfigKey }, { workspaceId }, { status: 'deleted' as const }] };
      const before = await upsert(() => connections.findOneAndUpdate(ours, [{ $set: set }], { upsert: true, returnDocument: 'before' }));
      const after = await read(() => connections.findOne({ _id: connectionId }));
      if (after === null) throw new Error(`the connection ${connectionId} was deleted while it was added`);
      if (before === 'duplicate') return { kind: 'taken', by: toConnection(after) };
      return { kind: 'added', connection: toConnection(after), previous: before === null ? null : toConnection(before) };
    },
    async admit(seen, { connectionId, ...given }) {
      const set = {
        ...literally({ ...given, token: null, status: 'active', statusReason: null }),
        updatedAt: nextTime,
        createdAt: firstTime,
      };
      const filter =
        seen === null ? { _id: connectionId, updatedAt: { $exists: false } } : { _id: connectionId, updatedAt: seen.updatedAt };
      const admitted = await upsert(() =>
        connections.findOneAndUpdate(filter, [{ $set: set }], { upsert: seen === null, returnDocument: 'after' }),
      );
      return admitted === null || admitted === 'duplicate' ? null : toConnection(admitted);
    },
    get: async (connectionId) => {
      const found = await read(() => connections.findOne({ _id: connectionId }));
      return found === null ? null : toConnection(found);
    },
    list: async (workspaceId) => {
      const filter = workspaceId === undefined ? {} : { workspaceId };
      const found = await read(() => connections.find(filter).sort({ createdAt: 1, _id: 1 }).toArray());
      return found.map(toConnection);
    },
    states: () => read(() => connections.find({}, { projection: { _id: 0, workspaceId: 1, status: 1 } }).toArray()),
    pause: (connectionId, reason) => change({ _id: connectionId }, ['active', 'unauthorized'], { status: 'paused', statusReason: reason }),
    resume: (connectionId) => change({ _id: connectionId }, ['paused', 'unauthorized'], { status: 'active', statusReason: null }),
    readmit: (seen) =>
      change({ _id: seen.connectionId, updatedAt: seen.updatedAt }, ['unauthorized'], { status: 'active', statusReason: null }),
    remove: (connectionId, reason) =>
      change({ _id: connectionId }, ['active', 'paused', 'unauthorized'], { status: 'deleted', statusReason: reason, token: null }),
    markUnauthorized: (seen, reason) =>
      change({ _id: seen.connectionId, updatedAt: seen.updatedAt }, ['active'], { status: 'unauthorized', statusReason: reason }),
    markDeleted: (seen, reason) =>
      change({ _id: seen.connectionId, updatedAt: seen.updatedAt }, ['active', 'paused', 'unauthorized'], {
        status: 'deleted',
        statusReason: reason,
        token: null,
      }),
  };
}

/** The server's clock, and always later than before: `updatedAt` distinguishes one activation from the next. */
const nextTime = { $max: ['$$NOW', { $add: ['$updatedAt', 1] }] };
const firstTime = { $ifNull: ['$createdAt', '$$NOW'] };

/** Without it, a text that begins with `$` would be read as a field path. */
function literally(fields: Readonly<Record<string, string | null>>): Record<string, { $literal: string | null }> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, { $literal: value }]));
}

async function write<T>(run: () => Promise<T>): Promise<T> {
  return orUnavailable('a connection could not be written', run);
}

/** `duplicate`: it exists and does not match the filter. */
async function upsert<T>(run: () => Promise<T>): Promise<T | 'duplicate'> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof MongoServerError && error.code === duplicateKey) return 'duplicate';
    throw unavailable('a connection could not be written', error);
  }
}

async function read<T>(run: () => Promise<T>): Promise<T> {
  return orUnavailable('connections could not be read', run);
}
