import pMap from 'p-map';
import type { Connection } from '@notion-mirror/domain/connection';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import { createConnectionStore } from '@notion-mirror/mirror-store/connection-store';
import { openMirroredDocuments } from '@notion-mirror/mirror-store/records/mirrored-documents';
import { createRecordStore } from '@notion-mirror/mirror-store/records/record-store';
import { SearchError } from '@notion-mirror/notion-source/data-source-search';
import { systemClock } from '@notion-mirror/service-kit/async/clock';
import { Registry } from '@notion-mirror/service-kit/metrics';
import { openNotion, type NotionAccess } from '../notion-access.ts';
import type { AnyEntity, EntitySource } from '../operated-entity.ts';
import type { OperationContext } from '../operation-context.ts';
import { appendOperatorSyncs, type SyncRequest } from '../operator-events.ts';
import { OperatorError } from '../operator-error.ts';
import { every } from '../progress.ts';
import { oneLine } from '../text.ts';
import { compareEntities, type Comparison, type Unanswered } from './compare-entities.ts';

/** The comparison of all requested tenants. */
export interface Verification extends Comparison {
  readonly tenants: number;
  /** Tenants that were not compared because they have no active connection. */
  readonly withoutConnection: readonly string[];
}

export interface VerifyOrder {
  /** Null: all tenants. */
  readonly workspaceId: string | null;
  /** Calls to Notion for each connection, alongside the workers' own. */
  readonly requestsPerMinute: number;
  /** How long a difference must last, ms. */
  readonly graceMs: number;
  /** Appends a sync event for each entity that differs. */
  readonly fixes: boolean;
}

const tenantsAtOnce = 4;
const progressMs = 5_000;

/**
 * Compares the mirror with the current state of Notion. `appended`: the number of sync events appended for differences. Rejects with an
 * OperatorError when the tenant has no connection, with the store's errors, or with the reason of `signal`.
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
      for (const entity of context.entities) {
        const { storage } = entity;
        const source = entity.openSource(notion);
        const { list } = source;
        if (list === null) continue;
        const listed = await listEntities({ db, notion, list, entity, signal }, workspaceId, active);
        progress.add(listed.ids.size);
        const documents = openMirroredDocuments(db, storage);
        const comparison = await compareEntities(
          {
            storage,
            read: async (ref) => documents.read(ref),
            fetch: async (ref, attempt, until) => source.fetch(ref, attempt, until),
            clock: systemClock,
            graceMs,
            signal,
            onCompared: progress.step,
          },
          workspaceId,
          listed.ids,
        );
        results.push({ ...comparison, unanswered: [...listed.unanswered, ...comparison.unanswered] });
      }
    },
    { concurrency: tenantsAtOnce },
  );
  const found: Verification = {
    tenants: tenants.filter(({ active }) => active.length > 0).length,
    withoutConnection: tenants.filter(({ active }) => active.length === 0).map(({ workspaceId }) => workspaceId),
    compared: results.reduce((sum, { compared }) => sum + compared, 0),
    differences: results.flatMap(({ differences }) => differences),
    unsettled: results.flatMap(({ unsettled }) => unsettled),
    unanswered: results.flatMap(({ unanswered }) => unanswered),
  };
  return { found, appended: fixes ? await appendFixes(context, found, connections) : 0 };
}

/** Appends a sync event for each difference. Resolves to their number; rejects with PublishError. */
export async function appendFixes(context: OperationContext, found: Comparison, connections: readonly Connection[]): Promise<number> {
  const requests = fixesOf(found, connections);
  return requests.length === 0 ? 0 : appendOperatorSyncs(context, 'mirror.verify', requests);
}

/** The union of the ids that the mirror shows for a tenant and those that Notion lists: either may be incomplete. */
async function listEntities(
  deps: {
    readonly db: Mongo['db'];
    readonly notion: NotionAccess;
    readonly list: NonNullable<EntitySource<unknown>['list']>;
    readonly entity: AnyEntity;
    readonly signal: AbortSignal;
  },
  workspaceId: string,
  active: readonly Connection[],
): Promise<{ readonly ids: ReadonlySet<string>; readonly unanswered: readonly Unanswered[] }> {
  const { db, notion, list, signal } = deps;
  const { storage } = deps.entity;
  const ids = new Set(await createRecordStore(storage, { db, metrics: new Registry() }).liveIds(workspaceId));
  const unanswered: Unanswered[] = [];
  for (const connection of active) {
    try {
      for await (const page of list(connection, signal)) for (const id of page) ids.add(id);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof SearchError)) throw error;
      const { connectionId } = connection;
      const why = `${error.message} (connection ${connectionId}${notion.refused.has(connectionId) ? `: ${notion.refused.get(connectionId)}` : ''})`;
      unanswered.push({ kind: storage.kind, workspaceId, id: null, why });
    }
  }
  return { ids, unanswered };
}

/** One sync request per difference. A damaged record gets none: no worker can read it, so no event fixes it. */
function fixesOf({ differences }: Comparison, connections: readonly Connection[]): SyncRequest[] {
  const active = connections.filter(({ status }) => status === 'active');
  return differences.flatMap(({ kind, workspaceId, id, verdict, connectionId }) => {
    const own = active.filter((connection) => connection.workspaceId === workspaceId);
    const connection = own.find((one) => one.connectionId === connectionId) ?? own[0];
    return verdict.kind === 'damaged' || connection === undefined ? [] : [{ connection, kind, id }];
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
