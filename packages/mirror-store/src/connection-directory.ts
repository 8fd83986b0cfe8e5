import type { Connection } from '@notion-mirror/domain/connection';
import { settlesBefore } from '@notion-mirror/service-kit/async/deadline';
import type { Logger } from '@notion-mirror/service-kit/logger';
import { Counter, Gauge, type Registry } from '@notion-mirror/service-kit/metrics';
import type { ChangeStreamDocument, ClientSession, Db, Timestamp } from 'mongodb';
import { openCollection } from './collections.ts';
import { parseConnection, type ConnectionDocument } from './connection-document.ts';
import { createConnectionIndex, type ConnectionChange, type ConnectionIndex } from './connection-index.ts';
import { connectionsOfTenants } from './connections-of-tenants.ts';
import { unavailable } from './errors.ts';
import { keepFollowing } from './keep-following.ts';

export type { ConnectionChange } from './connection-index.ts';

export type ConnectionQuery = { readonly connectionId: string } | { readonly workspaceId: string } | { readonly notionWorkspaceId: string };

/** Which tenants' connections are held; null: none. */
export type HeldTenants = ((workspaceId: string) => boolean) | null;

/** Connections of all tenants, or of some, in memory and fresh within moments. While MongoDB is unavailable it keeps the last known state. */
export interface ConnectionDirectory {
  /**
   * From now on only these tenants' connections are held, and those that `refresh` finds. Resolves when all of them are; rejects with a
   * `StoreUnavailableError` otherwise: then it must be called again. Of several calls the last one counts.
   */
  hold(tenants: HeldTenants): Promise<void>;
  byId(connectionId: string): Connection | null;
  /** Connections of any status. This and the other lists are ordered oldest first. */
  ofWorkspace(workspaceId: string): readonly Connection[];
  activeByWorkspace(workspaceId: string): readonly Connection[];
  activeByNotionWorkspace(notionWorkspaceId: string): readonly Connection[];
  allActive(): readonly Connection[];
  /** Of any status. */
  all(): Iterable<Connection>;
  /** The connections of each tenant, of any status: the same array until one of them changes. */
  tenants(): Iterable<readonly Connection[]>;
  allUnauthorized(): readonly Connection[];
  /**
   * Call after a lookup that found nothing (or nothing active), and then look again: reads these connections directly, since a change may not
   * have arrived yet. Never rejects; returns within a second, and at once when the same query ran within the last two seconds. False: it was not read, so
   * nothing found proves nothing.
   */
  refresh(query: ConnectionQuery): Promise<boolean>;
  /** Calls back for every connection added, changed, removed or held from now on. Returns a function that unsubscribes. */
  onChange(listener: (change: ConnectionChange) => void): () => void;
  /** Whether changes are being followed; false while MongoDB is unavailable. */
  isFollowing(): boolean;
  close(): Promise<void>;
}

/** The deadline of a `refresh`, and the interval in which the same one is not repeated. */
const refreshMs = 1000;
const refreshEveryMs = 2000;
const maxRemembered = 10_000;

/** Resolves when the connections of `tenants` (default: all) are loaded and their changes followed. Rejects with a `StoreUnavailableError`. */
export async function openConnectionDirectory(deps: {
  readonly db: Db;
  readonly tenants?: HeldTenants;
  readonly logger: Logger;
  readonly metrics: Registry;
}): Promise<ConnectionDirectory> {
  const { db, logger } = deps;
  const { client } = db;
  const connections = openCollection<ConnectionDocument>(db, 'connections');
  const index = createConnectionIndex();
  const listeners = new Set<(change: ConnectionChange) => void>();
  const closing = new AbortController();
  const closed = new Promise<'closed'>((resolve) => {
    closing.signal.addEventListener('abort', () => resolve('closed'));
  });
  let held: HeldTenants = deps.tenants === undefined ? () => true : deps.tenants;
  /** Whether the connections of all tenants in `held` were loaded. */
  let isWhole = false;
  /** Ids of those that were read otherwise while a load goes on, which may have read them before. */
  let overtaken: Set<string> | null = null;
  /** Settles with the load before. */
  let loading: Promise<unknown> = Promise.resolve();
  /** Counts updates from the change stream and reloads, so that a slower direct read does not overwrite a newer one. */
  let news = 0;
  let following = false;
  let loads = 0;

  function announce(change: ConnectionChange | null): void {
    if (change === null) return;
    for (const listener of listeners) {
      try {
        listener(change);
      } catch (error) {
        logger.error({ err: error }, 'a listener of connection changes failed');
      }
    }
  }

  function put(document: ConnectionDocument): void {
    const parsed = parseConnection(document);
    if (parsed.ok) {
      announce(index.set(parsed.connection));
      return;
    }
    logger.error({ connectionId: document._id, problem: parsed.problem }, 'ignoring an unreadable connection document');
    announce(index.delete(document._id));
  }

  /** Those that `refresh` has found stay until the next load. */
  const isHeld = ({ _id, workspaceId }: ConnectionDocument): boolean => isOneOf(held, workspaceId) || index.byId(_id) !== null;

  function apply(change: ChangeStreamDocument<ConnectionDocument>): void {
    news += 1;
    if (change.operationType === 'delete') {
      overtaken?.add(change.documentKey._id);
      announce(index.delete(change.documentKey._id));
    }
    if (change.operationType !== 'insert' && change.operationType !== 'replace' && change.operationType !== 'update') return;
    overtaken?.add(change.documentKey._id);
    // No document: it was deleted meanwhile, and that change follows.
    if (change.fullDocument && isHeld(change.fullDocument)) put(change.fullDocument);
  }

  /** Loads the connections of the held tenants that pass, one load after the other. Ends early when `held` is replaced: another load follows then. */
  function loadHeld(passes: (workspaceId: string) => boolean, session?: ClientSession): Promise<void> {
    const tenants = held;
    async function run(): Promise<void> {
      if (held !== tenants) return;
      const found = new Set<string>();
      overtaken = new Set();
      const late = overtaken;
      try {
        const wanted = (workspaceId: string): boolean => isOneOf(tenants, workspaceId) && passes(workspaceId);
        for await (const document of tenants === null ? [] : connectionsOfTenants(connections, wanted, session)) {
          if (held !== tenants) return;
          found.add(document._id);
          if (!late.has(document._id)) put(document);
        }
      } finally {
        overtaken = null;
      }
      news += 1;
      for (const { connectionId, workspaceId } of index.all()) {
        if (passes(workspaceId) && !found.has(connectionId) && !late.has(connectionId)) announce(index.delete(connectionId));
      }
      isWhole = true;
    }
    const done = loading.then(run);
    loading = done.catch(() => {});
    return done;
  }

  /** Loads all that is held, and resolves to the server's time before the load. */
  async function load(): Promise<Timestamp | undefined> {
    // One causally consistent session: the load includes all writes before that time, even those not yet on the majority then.
    return client.withSession({ causalConsistency: true }, async (session) => {
      await db.command({ ping: 1 }, { session });
      const { operationTime } = session;
      await loadHeld(() => true, session);
      loads += 1;
      return operationTime;
    });
  }

  /**
   * Loads what is held, then follows changes until the stream breaks. Every break that the driver cannot resume leads to a new load, so a lost
   * resume token does not matter. Changes made during the load come again from the stream, oldest first.
   */
  async function follow(opened: () => void, isFirst: boolean): Promise<void> {
    const startAtOperationTime = await load();
    const stream = connections.watch([], { fullDocument: 'updateLookup', ...(startAtOperationTime ? { startAtOperationTime } : {}) });
    try {
      following = true;
      if (!isFirst) logger.info('following changes of connections again');
      opened();
      resolve();
      for (;;) {
        const change = await Promise.race([stream.next(), closed]);
        if (change === 'closed') return;
        apply(change);
        if (change.operationType === 'invalidate') return;
      }
    } finally {
      following = false;
      void stream.close().catch(() => {});
    }
  }

  const { promise: loaded, resolve, reject } = Promise.withResolvers<void>();
  const running = keepFollowing(closing.signal, follow, (error) => {
    // Fails opening if this was the first load; later it has no effect.
    reject(error);
    if (!closing.signal.aborted) logger.warn({ err: error }, 'cannot follow changes of connections; using the last known ones');
  });
  const close = async () => {
    closing.abort();
    await running;
  };
  try {
    await loaded;
  } catch (error) {
    await close();
    throw unavailable('connections could not be loaded', error);
  }

  registerConnections(deps.metrics, index, { loads: () => loads, following: () => following });

  const asked = new Map<string, { readonly startedAt: number; readonly done: Promise<boolean> }>();

  async function readDirectly(query: ConnectionQuery): Promise<boolean> {
    const filter = 'connectionId' in query ? { _id: query.connectionId } : query;
    try {
      for (let attempt = 1; attempt <= 5; attempt += 1) {
        const before = news;
        const found = await connections.find(filter).toArray();
        if (news !== before) continue;
        for (const document of found) {
          overtaken?.add(document._id);
          put(document);
        }
        return true;
      }
    } catch (error) {
      logger.debug({ err: error }, 'cannot read connections directly');
    }
    return false;
  }

  return {
    async hold(tenants) {
      const before = isWhole ? held : null;
      held = tenants;
      isWhole = false;
      // What was loaded and followed until now need not be loaded again. The others are gone silently: nothing has happened to them.
      const isKnown = (workspaceId: string): boolean => isOneOf(before, workspaceId);
      for (const { connectionId, workspaceId } of index.all()) {
        if (!isKnown(workspaceId) || !isOneOf(tenants, workspaceId)) index.delete(connectionId);
      }
      try {
        await loadHeld((workspaceId) => !isKnown(workspaceId));
      } catch (error) {
        throw unavailable('connections could not be loaded', error);
      }
    },
    byId: (connectionId) => index.byId(connectionId),
    ofWorkspace: (workspaceId) => index.ofWorkspace(workspaceId),
    activeByWorkspace: (workspaceId) => index.ofWorkspace(workspaceId).filter(isActive),
    activeByNotionWorkspace: (notionWorkspaceId) => index.ofNotionWorkspace(notionWorkspaceId).filter(isActive),
    all: () => index.all(),
    tenants: () => index.tenants(),
    allActive: () => [...index.all()].filter(isActive),
    allUnauthorized: () => [...index.all()].filter(({ status }) => status === 'unauthorized'),
    async refresh(query) {
      const key = JSON.stringify(query);
      const now = performance.now();
      let entry = asked.get(key);
      if (entry === undefined || now - entry.startedAt >= refreshEveryMs) {
        if (asked.size >= maxRemembered) asked.clear();
        entry = { startedAt: now, done: readDirectly(query) };
        asked.set(key, entry);
      }
      return (await settlesBefore(entry.done, Date.now() + refreshMs - (now - entry.startedAt))) && (await entry.done);
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    isFollowing: () => following,
    close,
  };
}

/** A document without a tenant is of all: it is reported as unreadable. */
function isOneOf(tenants: HeldTenants, workspaceId: unknown): boolean {
  return tenants !== null && (typeof workspaceId !== 'string' || tenants(workspaceId));
}

function isActive(connection: Connection): boolean {
  return connection.status === 'active';
}

export function registerConnections(
  registry: Registry,
  index: ConnectionIndex,
  state: { readonly loads: () => number; readonly following: () => boolean },
): void {
  const byStatus = new Gauge({
    name: 'notion_mirror_connections',
    help: 'Connections that this process holds, by status. A sync-worker: those of the tenants of its partitions.',
    labelNames: ['status'],
    registers: [registry],
    collect() {
      for (const status of ['active', 'paused', 'unauthorized', 'deleted']) byStatus.set({ status }, 0);
      for (const { status } of index.all()) byStatus.inc({ status });
    },
  });
  const following = new Gauge({
    name: 'notion_mirror_connections_following',
    help: '1 while changes of connections are followed, 0 while the last known ones are used.',
    registers: [registry],
    collect() {
      following.set(state.following() ? 1 : 0);
    },
  });
  const loads = new Counter({
    name: 'notion_mirror_connections_loads_total',
    help: 'Full loads of all connections: at the start, and after every interruption.',
    registers: [registry],
    collect() {
      loads.reset();
      loads.inc(state.loads());
    },
  });
}
