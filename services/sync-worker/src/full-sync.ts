import type { Connection } from '@notion-mirror/domain/connection';
import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import type { NotionSource } from '@notion-mirror/notion-source/notion-source';

export interface FullSyncDependencies {
  readonly notion: Pick<NotionSource, 'searchDataSources'>;
  /** Ids of the tenant's live databases in the mirror: search may not show one that still exists, or no longer does. */
  readonly mirroredDatabases: (workspaceId: string) => Promise<readonly string[]>;
  /** Resolves when the event is durable. */
  readonly append: (event: DatabaseEvent) => Promise<void>;
  readonly now: () => number;
}

/** Appended together at most, so that a tenant with many databases neither floods the log's producer nor waits for each event. */
const atOnce = 100;

/**
 * Appends a sync event for every database of a connection's tenant: those that the mirror holds, and those that Notion's search shows.
 * `request` identifies this full sync: asked for twice, the events have the same ids. Resolves to how many were appended.
 * Rejects with SearchError or PublishError; running it again is harmless.
 */
export async function appendFullSync(
  deps: FullSyncDependencies,
  connection: Connection,
  request: string,
  signal: AbortSignal,
): Promise<number> {
  const { connectionId, providerConfigKey, workspaceId, notionWorkspaceId } = connection;
  const appended = new Set<string>();
  let pending: Promise<void>[] = [];

  const append = async (databaseId: string | null, dataSourceId: string | null): Promise<void> => {
    const target = databaseId ?? `data-source:${dataSourceId}`;
    if (appended.has(target)) return;
    appended.add(target);
    const now = new Date(deps.now());
    const appending = deps.append({
      eventId: `${connectionId}:${request}:${target}`,
      kind: 'sync',
      type: 'mirror.full_sync',
      workspaceId,
      connectionId,
      providerConfigKey,
      notionWorkspaceId,
      databaseId,
      dataSourceId: databaseId === null ? dataSourceId : null,
      occurredAt: now,
      receivedAt: now,
      origin: 'reconcile',
    });
    // Heard of in `settle`; until then Notion is searched, and a rejection that nobody hears ends the process.
    appending.catch(() => {});
    pending.push(appending);
    if (pending.length >= atOnce) await settle();
  };
  const settle = async (): Promise<void> => {
    const batch = pending;
    pending = [];
    await Promise.all(batch);
  };

  for (const databaseId of await deps.mirroredDatabases(workspaceId)) await append(databaseId, null);
  for await (const found of deps.notion.searchDataSources(connection, signal)) await append(found.databaseId, found.dataSourceId);
  await settle();
  return appended.size;
}
