import type { Connection } from '@notion-mirror/domain/connection';
import { problemOfId } from '@notion-mirror/domain/opaque-id';
import type { ConnectionNotice } from '@notion-mirror/mirror-store/connection-notices';
import type { GrantAnswer, NangoGrant } from '@notion-mirror/notion-source/nango-credentials';
import type { Config } from '@notion-mirror/service-kit/config';

export type TenantRule = Config<'sync-worker'>['tenantOfConnection'];

/** `statusReason` of a connection deleted at Nango. Only such a connection can return by itself; one removed here must be added again here. */
export const deletedAtNango = 'deleted_at_nango';

export type ConnectionDecision =
  /** Add it, or make it active again. */
  | { readonly kind: 'admit'; readonly workspaceId: string; readonly notionWorkspaceId: string; readonly botId: string | null }
  | { readonly kind: 'mark_deleted' }
  | { readonly kind: 'mark_unauthorized'; readonly reason: 'grant_refused' | 'connection_deleted' }
  | { readonly kind: 'pause'; readonly reason: string }
  | { readonly kind: 'leave'; readonly because: string }
  /** Its tenant cannot be determined; an operator must decide. */
  | { readonly kind: 'ask_operator'; readonly problem: string };

/**
 * Decides a connection's new state from Nango's current answer. Never guesses: a connection never moves to another tenant, data of another
 * Notion workspace never enters a tenant, and an operator's decision stands.
 */
export function decideConnection(
  known: Connection | null,
  notice: ConnectionNotice,
  answer: Exclude<GrantAnswer, { kind: 'retry' }>,
  rule: TenantRule,
): ConnectionDecision {
  if (known !== null && known.providerConfigKey !== notice.providerConfigKey) {
    return { kind: 'ask_operator', problem: `its id is that of a connection of the integration ${known.providerConfigKey}` };
  }
  if (known !== null && known.token !== null) return { kind: 'leave', because: 'its token is stored here' };
  switch (answer.kind) {
    case 'grant':
      return known === null ? decideNew(notice, answer.grant, rule) : decideKnown(known, notice, answer.grant);
    case 'connection_deleted':
      if (known === null || known.status === 'deleted') return { kind: 'leave', because: 'there is none' };
      // With the API key of another Nango environment every connection looks deleted, so Nango's own notice is required too.
      if (notice.isDeletionAnnounced) return { kind: 'mark_deleted' };
      return known.status === 'active'
        ? { kind: 'mark_unauthorized', reason: 'connection_deleted' }
        : { kind: 'leave', because: `it is ${known.status}` };
    case 'unauthorized':
      return known?.status === 'active'
        ? { kind: 'mark_unauthorized', reason: 'grant_refused' }
        : { kind: 'leave', because: 'it is not active' };
  }
}

function decideNew(notice: ConnectionNotice, grant: NangoGrant, rule: TenantRule): ConnectionDecision {
  const { provider, notionWorkspaceId, botId, tags } = grant;
  if (provider !== 'notion') return { kind: 'leave', because: 'it is not a connection to Notion' };
  if (isTaken(notice, grant)) return { kind: 'leave', because: 'its tenant was purged and has not been connected again since' };
  if (rule === null) return { kind: 'ask_operator', problem: 'new connections are not added by themselves (MIRROR_CONNECTION_TENANT)' };
  if (notionWorkspaceId === null) return { kind: 'ask_operator', problem: 'Nango does not say which Notion workspace it is for' };
  const workspaceId = rule.from === 'tag' ? (Object.hasOwn(tags, rule.tag) ? tags[rule.tag] : undefined) : notionWorkspaceId;
  if (workspaceId === undefined) return { kind: 'ask_operator', problem: `it has no tag ${rule.from === 'tag' ? rule.tag : ''}` };
  const problem = problemOfId('tenant', workspaceId);
  if (problem !== null) return { kind: 'ask_operator', problem: `the tenant that its tag names ${problem}` };
  return { kind: 'admit', workspaceId, notionWorkspaceId, botId };
}

function decideKnown(known: Connection, notice: ConnectionNotice, grant: NangoGrant): ConnectionDecision {
  const { notionWorkspaceId, botId } = grant;
  const { status, statusReason, workspaceId } = known;
  if (status === 'paused') return { kind: 'leave', because: 'an operator has paused it' };
  if (status === 'deleted' && statusReason !== deletedAtNango) return { kind: 'leave', because: 'an operator has removed it' };
  if (isTaken(notice, grant)) return { kind: 'leave', because: 'the grant is the one that was taken already' };
  if (notionWorkspaceId !== null && notionWorkspaceId !== known.notionWorkspaceId) {
    const problem = `it was connected to another Notion workspace (${notionWorkspaceId})`;
    return status === 'deleted' ? { kind: 'ask_operator', problem } : { kind: 'pause', reason: problem };
  }
  return { kind: 'admit', workspaceId, notionWorkspaceId: known.notionWorkspaceId, botId: botId ?? known.botId };
}

function isTaken({ takenGrant }: ConnectionNotice, { updatedAt }: NangoGrant): boolean {
  return takenGrant !== null && updatedAt !== null && updatedAt <= takenGrant;
}
