import type { ConnectionNotice, ConnectionNotices } from '@notion-mirror/mirror-store/connection-notices';
import type { ConnectionStore } from '@notion-mirror/mirror-store/connection-store';
import { discardWithLastConnection, type ParkedEvents } from '@notion-mirror/mirror-store/parked-events';
import type { GrantAnswer } from '@notion-mirror/notion-source/nango-credentials';
import { backoffMs } from '@notion-mirror/service-kit/async/backoff';
import type { Logger } from '@notion-mirror/service-kit/logger';
import { Counter, type Registry } from '@notion-mirror/service-kit/metrics';
import { decideConnection, deletedAtNango, type ConnectionDecision, type TenantRule } from './connection-decision.ts';
import { startRepeating } from '@notion-mirror/service-kit/async/repeating';

const everyMs = 2_000;
/** Longer than a call to Nango takes. */
const leaseMs = 60_000;
const firstWaitMs = 2_000;
const longestWaitMs = 600_000;

/**
 * Updates connections to their state at Nango, one notice after another. A connection that becomes active is swept automatically; a deleted
 * or refused one makes no more calls. Every sync-worker runs one.
 */
export function startConnectionLifecycle(deps: {
  readonly notices: Pick<ConnectionNotices, 'take' | 'settle' | 'postpone' | 'decide'>;
  readonly store: Pick<ConnectionStore, 'get' | 'list' | 'admit' | 'pause' | 'markDeleted' | 'markUnauthorized'>;
  readonly parked: Pick<ParkedEvents, 'discard'>;
  /** Null: no API key is configured. */
  readonly askNango: ((connection: ConnectionNotice) => Promise<GrantAnswer>) | null;
  readonly rule: TenantRule;
  readonly logger: Logger;
  readonly metrics: Registry;
}): { stop(): Promise<void> } {
  const { notices, store, parked, askNango, rule, logger } = deps;
  const decisions = new Counter({
    registers: [deps.metrics],
    name: 'notion_mirror_connection_notices_total',
    help: 'Connections checked after a notice from Nango, by decision.',
    labelNames: ['decision'],
  });

  async function handle(notice: ConnectionNotice): Promise<void> {
    const { connectionId, failures } = notice;
    const waitMs = backoffMs(failures + 1, firstWaitMs, longestWaitMs);
    if (askNango === null) {
      logger.error({ connectionId }, 'cannot follow a notice from Nango about a connection: MIRROR_NANGO_API_KEY is not set');
      return notices.postpone(notice, longestWaitMs);
    }
    const answer = await askNango(notice);
    if (answer.kind === 'retry') {
      logger.warn({ connectionId, failure: answer.failure, failures: failures + 1 }, 'cannot ask Nango about a connection; retrying later');
      return notices.postpone(notice, Math.max(answer.waitMs, waitMs));
    }
    const known = await store.get(connectionId);
    const decision = decideConnection(known, notice, answer, rule);
    if (!(await carryOut(decision, notice, known))) return notices.postpone(notice, 0);
    decisions.inc({ decision: decision.kind });
    const level = decision.kind === 'ask_operator' || decision.kind === 'pause' ? 'warn' : 'info';
    logger[level]({ connectionId, decision }, 'a connection was checked after a notice from Nango');
    const grantedAt = answer.kind === 'grant' ? answer.grant.updatedAt : null;
    const takenGrant = decision.kind === 'admit' ? (grantedAt ?? notice.takenGrant) : notice.takenGrant;
    await notices.settle(notice, { takenGrant, problem: decision.kind === 'ask_operator' ? decision.problem : null });
    // An operator added it while Nango was asked.
    if (decision.kind === 'ask_operator' && known === null && (await isOf(notice))) await notices.decide(notice);
  }

  async function isOf({ connectionId, providerConfigKey }: ConnectionNotice): Promise<boolean> {
    return (await store.get(connectionId))?.providerConfigKey === providerConfigKey;
  }

  /** False: the connection was written meanwhile, and must be checked again. */
  async function carryOut(
    decision: ConnectionDecision,
    { connectionId, providerConfigKey }: ConnectionNotice,
    known: Awaited<ReturnType<ConnectionStore['get']>>,
  ): Promise<boolean> {
    if (decision.kind === 'admit') {
      const { workspaceId, notionWorkspaceId, botId } = decision;
      return (await store.admit(known, { connectionId, providerConfigKey, workspaceId, notionWorkspaceId, botId })) !== null;
    }
    if (known === null) return true;
    switch (decision.kind) {
      case 'mark_deleted': {
        const { kind } = await store.markDeleted(known, deletedAtNango);
        if (kind === 'unchanged') return false;
        await discardWithLastConnection(store, parked, known.workspaceId);
        return true;
      }
      case 'mark_unauthorized':
        return (await store.markUnauthorized(known, decision.reason)).kind !== 'unchanged';
      case 'pause':
        await store.pause(connectionId, decision.reason);
        return true;
      case 'leave':
      case 'ask_operator':
        return true;
    }
  }

  return startRepeating({
    everyMs,
    async turn(signal) {
      while (!signal.aborted) {
        const notice = await notices.take(leaseMs);
        if (notice === null) return;
        await handle(notice);
      }
    },
    onFailure: (error) => logger.warn({ err: error }, 'cannot process notices about connections; retrying'),
  });
}
