import pMap from 'p-map';
import type { Connection } from '@notion-mirror/domain/connection';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import { createConnectionStore } from '@notion-mirror/mirror-store/connection-store';
import { createRecordStore } from '@notion-mirror/mirror-store/database-records';
import { openMirroredDocuments } from '@notion-mirror/mirror-store/mirrored-documents';
import { SearchError } from '@notion-mirror/notion-source/data-source-search';
import { systemClock } from '@notion-mirror/service-kit/async/clock';
import { Registry } from '@notion-mirror/service-kit/metrics';
import { openNotion, type NotionAccess } from '../notion-access.ts';
import type { OperationContext } from '../operation-context.ts';
import { appendOperatorSyncs, type SyncRequest } from '../operator-events.ts';
import { OperatorError } from '../operator-error.ts';
import { every } from '../progress.ts';
import { oneLine } from '../text.ts';
import { compareDatabases, type Comparison, type Unanswered } from './compare-databases.ts';

/** A comparison of all tenants that were asked for. */
export interface Verification extends Comparison {
  readonly tenants: number;
  /** Tenants that were not compared: they have no active connection. */
  readonly withoutConnection: readonly string[];
}

export interface VerifyOrder {
  /** Null: all tenants. */
  readonly workspaceId: string | null;
  /** Calls to Notion for each connection, alongside the workers' own. */
  readonly requestsPerMinute: number;
  /** How long a difference must stand, ms. */
  readonly graceMs: number;
  /** Appends a sync event for each database that differs. */
  readonly fixes: boolean;
}

const tenantsAtOnce = 4;
const progressMs = 5_000;

/**
 * Compares the mirror with Notion as it is now. `appended`: sync events for what differs. Rejects with an OperatorError when the tenant has no
 * connection, with the store's errors, or with the reason of `signal`.
 */
export async function verifyTenants(
  context: OperationContext,
  db: Mongo['db'],
  { workspaceId: wanted, requestsPerMinute, graceMs, fixes }: VerifyOrder,
): Promise<{ readonly found: Verification; readonly appended: number }> {
  const { signal } = context;
  const connections = await createConnectionStore(db).list(wanted ?? undefined);
  if (wanted !== null && connections.length === 0) {
    throw new OperatorError('unknown_tenant', `there is no connection of the tenant ${oneLine(wanted)}`, {
      remedy: 'mirror connections list',
    });
  }
  const tenants = [...Map.groupBy(connections, ({ workspaceId }) => workspaceId)].map(([workspaceId, own]) => ({
    workspaceId,
    active: own.filter(({ status }) => status === 'active'),
  }));
  const notion = openNotion(context, connections, requestsPerMinute);
  const progress = createProgress(context);
  const results: Comparison[] = [];
  await pMap(
    tenants.filter(({ active }) => active.length > 0),
    async ({ workspaceId, active }) => {
      const listed = await listDatabases({ db, notion, signal }, workspaceId, active);
      progress.add(listed.databaseIds.size);
      const documents = openMirroredDocuments(db);
      const comparison = await compareDatabases(
        {
          read: async (databaseId) => documents.read(workspaceId, databaseId),
          fetch: async (databaseId, attempt, until) => notion.fetchDatabase({ workspaceId, databaseId, attempt }, until),
          clock: systemClock,
          graceMs,
          signal,
          onCompared: progress.step,
        },
        workspaceId,
        listed.databaseIds,
      );
      results.push({ ...comparison, unanswered: [...listed.unanswered, ...comparison.unanswered] });
    },
    { concurrency: tenantsAtOnce },
  );
  const found: Verification = {
    tenants: results.length,
    withoutConnection: tenants.filter(({ active }) => active.length === 0).map(({ workspaceId }) => workspaceId),
    compared: results.reduce((sum, { compared }) => sum + compared, 0),
    differences: results.flatMap(({ differences }) => differences),
    unsettled: results.flatMap(({ unsettled }) => unsettled),
    unanswered: results.flatMap(({ unanswered }) => unanswered),
  };
  const requests = fixes ? fixesOf(found, connections) : [];
  return { found, appended: requests.length === 0 ? 0 : await appendOperatorSyncs(context, 'mirror.verify', requests) };
}

/** What the mirror shows of a tenant, and what Notion's search lists: neither need be complete. */
async function listDatabases(
  { db, notion, signal }: { readonly db: Mongo['db']; readonly notion: NotionAccess; readonly signal: AbortSignal },
  workspaceId: string,
  active: readonly Connection[],
): Promise<{ readonly databaseIds: ReadonlySet<string>; readonly unanswered: readonly Unanswered[] }> {
  const databaseIds = new Set(await createRecordStore({ db, metrics: new Registry() }).databaseIdsOf(workspaceId));
  const unanswered: Unanswered[] = [];
  for (const connection of active) {
    try {
      for await (const page of notion.searchDataSources(connection, signal)) {
        for (const { databaseId, dataSourceId } of page) {
          const holder = databaseId ?? (await holderOf(notion, workspaceId, dataSourceId, signal));
          if (holder !== null) databaseIds.add(holder);
        }
      }
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof SearchError)) throw error;
      const { connectionId } = connection;
      const why = `${error.message} (connection ${connectionId}${notion.refused.has(connectionId) ? `: ${notion.refused.get(connectionId)}` : ''})`;
      unanswered.push({ workspaceId, databaseId: null, why });
    }
  }
  return { databaseIds, unanswered };
}

async function holderOf(notion: NotionAccess, workspaceId: string, dataSourceId: string, signal: AbortSignal): Promise<string | null> {
  const holder = await notion.databaseOfDataSource({ workspaceId, dataSourceId }, signal);
  return holder.kind === 'database' ? holder.databaseId : null;
}

/** No event fixes a record that no worker can read. */
function fixesOf({ differences }: Verification, connections: readonly Connection[]): SyncRequest[] {
  const active = connections.filter(({ status }) => status === 'active');
  return differences.flatMap(({ workspaceId, databaseId, verdict, connectionId }) => {
    const own = active.filter((connection) => connection.workspaceId === workspaceId);
    const connection = own.find((one) => one.connectionId === connectionId) ?? own[0];
    return verdict.kind === 'damaged' || connection === undefined ? [] : [{ connection, databaseId }];
  });
}

function createProgress({ onProgress }: OperationContext): { readonly add: (databases: number) => void; readonly step: () => void } {
  let total = 0;
  let done = 0;
  const report = every(progressMs, () => onProgress(`${done} of ${total} databases compared`));
  return {
    add(databases) {
      total += databases;
    },
    step() {
      done += 1;
      report();
    },
  };
}
