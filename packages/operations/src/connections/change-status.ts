import type { Connection } from '@notion-mirror/domain/connection';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import { createConnectionStore, type StatusChange } from '@notion-mirror/mirror-store/connection-store';
import { createParkedEvents, discardWithLastConnection } from '@notion-mirror/mirror-store/parked-events';
import { OperatorError } from '../operator-error.ts';
import { oneLine } from '../text.ts';

/** `unchanged`: it had that status already. */
export type Changed = Exclude<StatusChange, { readonly kind: 'not_found' }>;

/** Stops mirroring a connection until it is resumed. Rejects with an OperatorError when there is none, or it is deleted. */
export async function pauseConnection(db: Mongo['db'], connectionId: string, reason: string): Promise<Changed> {
  return expectStatus('paused', connectionId, await createConnectionStore(db).pause(connectionId, reason));
}

/** Mirrors a connection again. Rejects with an OperatorError when there is none, or it is deleted. */
export async function resumeConnection(db: Mongo['db'], connectionId: string): Promise<Changed> {
  return expectStatus('active', connectionId, await createConnectionStore(db).resume(connectionId));
}

/** Removes a connection and erases its token, and with a tenant's last connection the events that waited for it. */
export async function removeConnection(db: Mongo['db'], connectionId: string): Promise<Changed> {
  const store = createConnectionStore(db);
  const change = expectStatus('deleted', connectionId, await store.remove(connectionId, 'removed by an operator'));
  await discardWithLastConnection(store, createParkedEvents(db), change.connection.workspaceId);
  return change;
}

function expectStatus(wanted: Connection['status'], connectionId: string, change: StatusChange): Changed {
  if (change.kind === 'not_found') {
    throw new OperatorError('unknown_connection', `there is no connection ${oneLine(connectionId)}`, { remedy: 'mirror connections list' });
  }
  const { status } = change.connection;
  if (status !== wanted) {
    throw new OperatorError('not_possible', `the connection ${oneLine(connectionId)} is ${status}, and its token is erased`, {
      remedy: `mirror connections add ${oneLine(connectionId)} … makes it active again`,
    });
  }
  return change;
}
