import type { Connection } from '@notion-mirror/domain/connection';
import type { ConnectionNotice } from '@notion-mirror/mirror-store/connection-notices';
import type { NangoGrant } from '@notion-mirror/notion-source/nango-credentials';
import { describe, expect, it } from 'vitest';
import { decideConnection, deletedAtNango, type TenantRule } from './connection-decision.ts';

const failure = { class: 'gone', code: 'not_found', message: '' } as const;
const gone = { kind: 'connection_deleted', failure } as const;
const broken = { kind: 'unauthorized', failure } as const;
const byWorkspace: TenantRule = { from: 'notion-workspace' };
const byTag: TenantRule = { from: 'tag', tag: 'organization_id' };
const earlier = new Date('2026-11-01T00:00:00Z');
const later = new Date('2026-11-25T00:00:00Z');

const granted = (changes: Partial<NangoGrant> = {}) => ({
  kind: 'grant' as const,
  grant: { provider: 'notion', notionWorkspaceId: 'notion-1', botId: 'bot-2', tags: {}, updatedAt: later, ...changes },
});
const notice = (changes: Partial<ConnectionNotice> = {}): ConnectionNotice => ({
  connectionId: 'c1',
  providerConfigKey: 'notion',
  notedAt: later,
  isDeletionAnnounced: false,
  takenGrant: null,
  failures: 0,
  ...changes,
});
const connection = (changes: Partial<Connection> = {}): Connection => ({
  connectionId: 'c1',
  providerConfigKey: 'notion',
  workspaceId: 'acme',
  notionWorkspaceId: 'notion-1',
  botId: 'bot-1',
  status: 'active',
  statusReason: null,
  token: null,
  createdAt: earlier,
  updatedAt: earlier,
  ...changes,
});

const decide = (known: Partial<Connection>, answer: Parameters<typeof decideConnection>[2], about: Partial<ConnectionNotice> = {}) =>
  decideConnection(connection(known), notice(about), answer, byWorkspace);

describe('an unknown connection', () => {
  it('belongs to the tenant of its Notion workspace, or to the one named by its tag', () => {
    expect(decideConnection(null, notice(), granted(), byWorkspace)).toMatchObject({
      kind: 'admit',
      workspaceId: 'notion-1',
      botId: 'bot-2',
    });
    const tagged = granted({ tags: { organization_id: 'acme' } });
    expect(decideConnection(null, notice(), tagged, byTag)).toMatchObject({ kind: 'admit', workspaceId: 'acme' });
    expect(decideConnection(null, notice(), tagged, byWorkspace)).toMatchObject({ workspaceId: 'notion-1' });
  });

  it.each([
    ['no rule', granted(), null],
    ['no such tag', granted({ tags: { end_user_id: 'u' } }), byTag],
    ['a tag that is not a tenant id', granted({ tags: { organization_id: 'a:b' } }), byTag],
    ['a tag named like a prototype property', granted(), { from: 'tag', tag: 'constructor' } as const],
    ['no Notion workspace', granted({ notionWorkspaceId: null }), byWorkspace],
  ])('is left to the operator with %s', (_what, answer, rule) => {
    expect(decideConnection(null, notice(), answer, rule)).toMatchObject({ kind: 'ask_operator' });
  });

  it('is ignored when it is of another provider, or gone', () => {
    expect(decideConnection(null, notice(), granted({ provider: 'github' }), byWorkspace).kind).toBe('leave');
    expect(decideConnection(null, notice({ isDeletionAnnounced: true }), gone, byWorkspace).kind).toBe('leave');
    expect(decideConnection(null, notice(), broken, byWorkspace).kind).toBe('leave');
  });

  it('returns after a purge only with a new grant', () => {
    expect(decideConnection(null, notice({ takenGrant: later }), granted(), byWorkspace).kind).toBe('leave');
    expect(decideConnection(null, notice({ takenGrant: earlier }), granted(), byWorkspace).kind).toBe('admit');
  });
});

describe('a known connection', () => {
  it('keeps its tenant, and is active again with a new grant', () => {
    for (const status of ['active', 'unauthorized'] as const) {
      expect(decide({ status }, granted())).toMatchObject({ kind: 'admit', workspaceId: 'acme', botId: 'bot-2' });
    }
    expect(decide({ status: 'deleted', statusReason: deletedAtNango }, granted())).toMatchObject({ kind: 'admit', workspaceId: 'acme' });
  });

  it('is left alone when the notice of its grant is repeated', () => {
    expect(decide({}, granted(), { takenGrant: later }).kind).toBe('leave');
    expect(decide({ status: 'unauthorized' }, granted(), { takenGrant: later }).kind).toBe('leave');
    expect(decide({}, granted(), { takenGrant: earlier }).kind).toBe('admit');
  });

  it('keeps the state an operator gave it', () => {
    expect(decide({ status: 'paused' }, granted()).kind).toBe('leave');
    expect(decide({ status: 'deleted', statusReason: 'removed by an operator' }, granted()).kind).toBe('leave');
    expect(decide({ token: 'v1.stored' }, gone, { isDeletionAnnounced: true }).kind).toBe('leave');
  });

  it('never takes another Notion workspace, or another integration, into its tenant', () => {
    expect(decide({}, granted({ notionWorkspaceId: 'notion-2' })).kind).toBe('pause');
    expect(decide({ status: 'deleted', statusReason: deletedAtNango }, granted({ notionWorkspaceId: 'notion-2' })).kind).toBe(
      'ask_operator',
    );
    expect(decide({ providerConfigKey: 'notion-eu' }, granted()).kind).toBe('ask_operator');
  });

  it('is deleted only when both the webhook and the API say so', () => {
    expect(decide({}, gone, { isDeletionAnnounced: true }).kind).toBe('mark_deleted');
    expect(decide({ status: 'paused' }, gone, { isDeletionAnnounced: true }).kind).toBe('mark_deleted');
    expect(decide({}, gone)).toEqual({ kind: 'mark_unauthorized', reason: 'connection_deleted' });
    expect(decide({}, granted(), { isDeletionAnnounced: true }).kind).toBe('admit');
    expect(decide({ status: 'deleted' }, gone, { isDeletionAnnounced: true }).kind).toBe('leave');
  });

  it('is unauthorized when Nango can no longer refresh it', () => {
    expect(decide({}, broken)).toEqual({ kind: 'mark_unauthorized', reason: 'grant_refused' });
    expect(decide({ status: 'paused' }, broken).kind).toBe('leave');
  });
});
