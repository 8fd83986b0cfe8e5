import { describe, expect, it, onTestFinished } from 'vitest';
import { startScriptedServer, type Reply } from '../test/scripted-server.ts';
import { nangoGrant } from './nango-credentials.ts';

const workspace = '13950b26-c203-4f3b-b97d-93ec06319565';
const bot = '1edc05f6-2702-81b5-8408-00279347f034';
const body = {
  connection_id: 'c 1',
  provider_config_key: 'notion',
  provider: 'notion',
  errors: [],
  end_user: null,
  tags: { organization_id: 'acme' },
  connection_config: { workspace_id: workspace },
  updated_at: '2026-01-05T10:00:00.000+00:00',
  credentials: { type: 'OAUTH2', access_token: 'ntn_secret', raw: { bot_id: bot, workspace_id: workspace } },
};

async function ask(reply: Reply) {
  const server = await startScriptedServer(() => reply);
  onTestFinished(async () => server[Symbol.asyncDispose]());
  const connection = { connectionId: 'c 1', providerConfigKey: 'notion' };
  const answer = await nangoGrant({ url: server.url, apiKey: 'key' }, connection, { deadlineMs: 2_000, now: Date.now });
  return { answer, asked: server.requests.map(({ method, path, token }) => `${method} ${path} ${token}`) };
}

const error = (code: string) => ({ error: { code } });

const grantOf = async (changes: object) => (await ask({ status: 200, body: { ...body, ...changes } })).answer;

describe('a grant at Nango', () => {
  it('has its Notion workspace, bot, tags and time of creation, but no token', async () => {
    const { answer, asked } = await ask({ status: 200, body });
    expect(answer).toEqual({
      kind: 'grant',
      grant: {
        provider: 'notion',
        notionWorkspaceId: workspace,
        botId: bot,
        tags: { organization_id: 'acme' },
        updatedAt: new Date('2026-01-05T10:00:00Z'),
      },
    });
    expect(asked).toEqual(['GET /connections/c%201?provider_config_key=notion key']);
  });

  it("of a connection older than the fields is read from Notion's token response and the end user", async () => {
    const older = { tags: undefined, end_user: { id: 'u_42', organization: { id: 'acme' } }, connection_config: {} };
    expect(await grantOf(older)).toMatchObject({
      grant: { notionWorkspaceId: workspace, tags: { end_user_id: 'u_42', organization_id: 'acme' } },
    });
    expect(await grantOf({ credentials: {}, connection_config: null, updated_at: 'soon' })).toMatchObject({
      grant: { notionWorkspaceId: null, botId: null, updatedAt: null },
    });
  });

  it('is missing when Nango has none, and unknown when neither Nango nor Notion identifies it', async () => {
    expect(await grantOf({ errors: [{ type: 'auth', log_id: 'l' }] })).toMatchObject({ kind: 'unauthorized' });
    expect((await ask({ status: 404, body: error('not_found') })).answer).toMatchObject({ kind: 'connection_deleted' });
    for (const status of [400, 424]) expect((await ask({ status, body: error('invalid_credentials') })).answer.kind).toBe('unauthorized');
    for (const status of [200, 404, 502]) expect((await ask({ status, body: '<html></html>' })).answer.kind).toBe('retry');
    expect((await ask({ status: 403, body: error('forbidden') })).answer).toMatchObject({
      kind: 'retry',
      failure: { class: 'misconfigured' },
    });
  });
});
