import type { ConnectionDirectory } from '@notion-mirror/mirror-store/connection-directory';
import { StoreUnavailableError } from '@notion-mirror/mirror-store/errors';

/**
 * Reads a tenant's connections directly. True: one is active, or only now some are known, so the work is to be done again. Rejects with a
 * `StoreUnavailableError` when none was known and MongoDB does not answer: they may only not be held, since partitions have moved or were added, and an event
 * may end only if its tenant has none in MongoDB.
 */
export function createRecheck(
  connections: Pick<ConnectionDirectory, 'refresh' | 'ofWorkspace' | 'activeByWorkspace'>,
): (tenant: { readonly workspaceId: string }) => Promise<boolean> {
  return async function recheck({ workspaceId }) {
    const wereKnown = connections.ofWorkspace(workspaceId).length > 0;
    const isRead = await connections.refresh({ workspaceId });
    if (wereKnown) return connections.activeByWorkspace(workspaceId).length > 0;
    if (!isRead) throw new StoreUnavailableError('the connections of a tenant could not be read');
    return connections.ofWorkspace(workspaceId).length > 0;
  };
}
