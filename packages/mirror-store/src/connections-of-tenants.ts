import type { ClientSession, Collection } from 'mongodb';
import type { ConnectionDocument } from './connection-document.ts';

const tenantsAtOnce = 500;

/**
 * The connections of the tenants that pass, as they are iterated: first the ids of all tenants are read, from an index alone, then the connections of those. So
 * neither time on the network nor memory is taken by tokens of other tenants. Rejects with the driver's errors.
 */
export async function* connectionsOfTenants(
  connections: Collection<ConnectionDocument>,
  passes: (workspaceId: string) => boolean,
  session?: ClientSession,
): AsyncGenerator<ConnectionDocument, void, undefined> {
  const options = session === undefined ? {} : { session };
  // Sorted by the index, which covers it; without one it is sorted in MongoDB.
  const tenants = connections
    .find<Pick<ConnectionDocument, 'workspaceId'>>({}, { ...options, projection: { _id: 0, workspaceId: 1 }, batchSize: 10_000 })
    .sort({ workspaceId: 1 });
  const readAll = (ids: readonly string[]) => connections.find({ workspaceId: { $in: [...ids] } }, options).toArray();
  let last: string | null = null;
  let ids: string[] = [];
  for await (const { workspaceId } of tenants) {
    if (workspaceId === last || !passes(workspaceId)) continue;
    last = workspaceId;
    ids.push(workspaceId);
    if (ids.length < tenantsAtOnce) continue;
    yield* await readAll(ids);
    ids = [];
  }
  if (ids.length > 0) yield* await readAll(ids);
}
