import type { ConnectionNotices } from '@notion-mirror/mirror-store/connection-notices';
import type { Logger } from '@notion-mirror/service-kit/logger';
import type { Answer } from './answers.ts';
import { withDeadline } from '@notion-mirror/service-kit/async/deadline';
import type { IngressMetrics } from './ingress-metrics.ts';
import type { Webhook } from './webhook-body.ts';

type AuthWebhook = Extract<Webhook, { kind: 'auth' }>;

/** Stores Nango's notice about a connection. `handled`: it is durable, or irrelevant. */
export type NoteConnection = (webhook: AuthWebhook) => Promise<Answer>;

/** The operations that change a connection. A failed authorisation changes nothing; a refresh is announced only when it failed. */
const consequential: ReadonlyMap<string, (success: boolean) => boolean> = new Map([
  ['creation', (success: boolean) => success],
  ['override', (success: boolean) => success],
  ['refresh', () => true],
  ['deletion', () => true],
]);

/**
 * The webhook is only a signal: the sync-worker asks Nango for the connection's state, with the API key that this process does not have. While
 * MongoDB is unavailable the answer is `unavailable`, and Nango retries twice.
 */
export function createNoteConnection(deps: {
  readonly notices: Pick<ConnectionNotices, 'note'>;
  readonly deadlineMs: number;
  readonly metrics: IngressMetrics;
  readonly logger: Logger;
}): NoteConnection {
  const { notices, deadlineMs, metrics, logger } = deps;
  return async function noteConnection({ operation, success, connection, provider }) {
    const fields = { operation, success, provider, connectionId: connection?.connectionId ?? null };
    const label = operation !== null && consequential.has(operation) ? operation : 'other';
    const isOurs = provider === null || provider === 'notion';
    if (connection === null || !isOurs || consequential.get(operation ?? '')?.(success) !== true) {
      metrics.connectionNotices.inc({ operation: label, outcome: 'ignored' });
      logger.info(fields, 'auth webhook ignored');
      return { status: 'handled' };
    }
    try {
      await withDeadline(notices.note(connection, { isDeletion: operation === 'deletion' }), { ms: deadlineMs });
    } catch (error) {
      metrics.connectionNotices.inc({ operation: label, outcome: 'unavailable' });
      logger.error({ err: error, ...fields }, 'auth webhook refused: it could not be stored');
      return { status: 'unavailable' };
    }
    metrics.connectionNotices.inc({ operation: label, outcome: 'noted' });
    logger.info(fields, 'auth webhook noted');
    return { status: 'handled' };
  };
}
