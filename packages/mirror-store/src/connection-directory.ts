import type { Connection } from '@notion-mirror/domain/connection';
import { backoffMs } from '@notion-mirror/service-kit/async/backoff';
import type { Logger } from '@notion-mirror/service-kit/logger';
import { Counter, Gauge, type Registry } from '@notion-mirror/service-kit/metrics';
import type { ChangeStreamDocument, Db, Timestamp } from 'mongodb';
import { setTimeout as delay } from 'node:timers/promises';
import { openCollection } from './collections.ts';
import { parseConnection, type ConnectionDocument } from './connection-document.ts';
import { createConnectionIndex, type ConnectionChange, type ConnectionIndex } from './connection-index.ts';
import { unavailable } from './errors.ts';

export type { ConnectionChange } from './connection-index.ts';

export type ConnectionQuery = { readonly connectionId: string } | { readonly workspaceId: string } | { readonly notionWorkspaceId: string };

/** Every connection, in memory and fresh within moments. While MongoDB is away the last known ones stand. */
export interface ConnectionDirectory {
  byId(connectionId: string): Connection | null;
  /** All statuses; oldest first, as are the others. */
  ofWorkspace(workspaceId: string): readonly Connection[];
  activeByWorkspace(workspaceId: string): readonly Connection[];
  activeByNotionWorkspace(notionWorkspaceId: string): readonly Connection[];
  allActive(): readonly Connection[];
  allUnauthorized(): readonly Connection[];
  /**
   * After a lookup that found nothing (or nothing active): reads these connections directly, since the news may be on its way. Look again
   * afterwards. Never rejects; returns within a second, and at once when the same was asked within the last two seconds.
   */
  refresh(query: ConnectionQuery): Promise<void>;
  /** Calls back for every connection that appears, changes or vanishes from now on. Returns how to stop that. */
  onChange(listener: (change: ConnectionChange) => void): () => void;
  /** Whether changes are being followed right now; false while MongoDB is away. */
  isFollowing(): boolean;
  close(): Promise<void>;
}

/** How long a `refresh` may take, and for how long the same one is not repeated. */
const refreshMs = 1000;
const refreshEveryMs = 2000;
const maxRemembered = 10_000;

/** Resolves when all connections are loaded and their changes followed. Rejects with a `StoreUnavailableError`. */
export async function openConnectionDirectory(deps: {
  readonly db: Db;
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
  /** Counts what the change stream and reloads brought, so that a slower direct read does not overwrite something newer. */
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
    logger.error({ connectionId: document._id, problem: parsed.problem }, 'a connection cannot be read and is not used');
    announce(index.delete(document._id));
  }

  function apply(change: ChangeStreamDocument<ConnectionDocument>): void {
    news += 1;
    if (change.operationType === 'delete') announce(index.delete(change.documentKey._id));
    if (change.operationType !== 'insert' && change.operationType !== 'replace' && change.operationType !== 'update') return;
    // Without a document: it was deleted meanwhile, and that change follows.
    if (change.fullDocument) put(change.fullDocument);
  }

  /** Loads everything, and resolves to the server's time before the load. */
  async function load(): Promise<Timestamp | undefined> {
    // One session: the load holds whatever was written before that time, even what was not yet on the majority then.
    return client.withSession({ causalConsistency: true }, async (session) => {
      await db.command({ ping: 1 }, { session });
      const { operationTime } = session;
      const found = await connections.find({}, { session }).toArray();
      news += 1;
      loads += 1;
      const ids = new Set(found.map(({ _id }) => _id));
      for (const { connectionId } of index.all()) if (!ids.has(connectionId)) announce(index.delete(connectionId));
      for (const document of found) put(document);
      return operationTime;
    });
  }

  /**
   * Loads everything, then follows what changes until that breaks. Every break that the driver cannot mend ends in a new load, so it does
   * not matter whether a resume token is lost. What changed during the load comes again from the stream, oldest first.
   */
  async function follow(whenLoaded: () => void): Promise<void> {
    const startAtOperationTime = await load();
    const stream = connections.watch([], { fullDocument: 'updateLookup', ...(startAtOperationTime ? { startAtOperationTime } : {}) });
    try {
      following = true;
      whenLoaded();
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

  async function keepFollowing(whenLoaded: () => void, whenFailed: (error: unknown) => void): Promise<void> {
    for (let attempt = 1; !closing.signal.aborted; attempt += 1) {
      try {
        await follow(() => {
          if (attempt > 1) logger.info('connections are followed again');
          attempt = 1;
          whenLoaded();
        });
      } catch (error) {
        whenFailed(error);
        if (closing.signal.aborted) return;
        logger.warn({ err: error }, 'connections cannot be followed; the last known ones stand');
      }
      await delay(backoffMs(attempt, 100, 5000), undefined, { signal: closing.signal }).catch(() => {});
    }
  }

  const { promise: loaded, resolve, reject } = Promise.withResolvers<void>();
  const running = keepFollowing(resolve, (error) => {
    // The first load is part of opening; after it this changes nothing.
    reject(error);
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

  const asked = new Map<string, { readonly startedAt: number; readonly done: Promise<void> }>();

  async function readDirectly(query: ConnectionQuery): Promise<void> {
    const filter = 'connectionId' in query ? { _id: query.connectionId } : query;
    try {
      for (let attempt = 1; attempt <= 5; attempt += 1) {
        const before = news;
        const found = await connections.find(filter).toArray();
        if (news !== before) continue;
        for (const document of found) put(document);
        return;
      }
    } catch (error) {
      logger.debug({ err: error }, 'connections could not be read directly');
    }
  }

  return {
    byId: (connectionId) => index.byId(connectionId),
    ofWorkspace: (workspaceId) => index.ofWorkspace(workspaceId),
    activeByWorkspace: (workspaceId) => index.ofWorkspace(workspaceId).filter(isActive),
    activeByNotionWorkspace: (notionWorkspaceId) => index.ofNotionWorkspace(notionWorkspaceId).filter(isActive),
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
      const timer = new AbortController();
      const left = Math.max(0, refreshMs - (now - entry.startedAt));
      await Promise.race([entry.done, delay(left, undefined, { signal: timer.signal }).catch(() => {})]);
      timer.abort();
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    isFollowing: () => following,
    close,
  };
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
    help: 'Known connections, by status.',
    labelNames: ['status'],
    registers: [registry],
    collect() {
      for (const status of ['active', 'paused', 'unauthorized', 'deleted']) byStatus.set({ status }, 0);
      for (const { status } of index.all()) byStatus.inc({ status });
    },
  });
  const following = new Gauge({
    name: 'notion_mirror_connections_following',
    help: '1 while changes of connections are followed, 0 while the last known ones stand.',
    registers: [registry],
    collect() {
      following.set(state.following() ? 1 : 0);
    },
  });
  const loads = new Counter({
    name: 'notion_mirror_connections_loads_total',
    help: 'Times that all connections were loaded: at the start, and after every interruption.',
    registers: [registry],
    collect() {
      loads.reset();
      loads.inc(state.loads());
    },
  });
}
