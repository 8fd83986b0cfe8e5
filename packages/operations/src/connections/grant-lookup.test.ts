import { expect, test } from 'vitest';
import { startHttpServer, type Reply } from '../../test/http-server.ts';
import { grantAtNango, grantOfToken } from './grant-lookup.ts';
import { OperatorError } from '../operator-error.ts';

const { signal } = new AbortController();
const workspace = '13950b26-c203-4f3b-b97d-93ec06319565';
const bot = '1edc05f6-2702-81b5-8408-00279347f034';
const connection = { connectionId: 'a/b c', providerConfigKey: 'notion-prod' };

async function askNango(reply: Reply) {
  const asked: (string | undefined)[] = [];
  await using server = await startHttpServer(({ url, headers }) => {
    asked.push(url, headers.authorization);
    return reply;
  });
  const grant = await grantAtNango({ url: server.url, apiKey: 'nango-key' }, connection, signal);
  return { grant, asked };
}

test('Nango returns the workspace in the connection config, and the bot in the token response', async () => {
  const body = { connection_config: { workspace_id: workspace }, credentials: { type: 'OAUTH2', raw: { bot_id: bot } } };
  const { grant, asked } = await askNango({ status: 200, body });
  expect(grant).toEqual({ notionWorkspaceId: workspace, botId: bot });
  expect(asked).toEqual(['/connections/a%2Fb%20c?provider_config_key=notion-prod', 'Bearer nango-key']);
});

test('an older connection has the workspace only in the token response', async () => {
  const raw = { workspace_id: workspace.replaceAll('-', ''), bot_id: null };
  const { grant } = await askNango({ status: 200, body: { connection_config: {}, credentials: { raw } } });
  expect(grant).toEqual({ notionWorkspaceId: workspace, botId: null });
});

test.each<[string, Reply, string]>([
  [
    'an unknown connection',
    { status: 404, body: { error: { code: 'not_found' } } },
    'knows no connection a/b c of the integration notion-prod',
  ],
  ['a wrong key', { status: 401, body: {} }, 'refuses the API key (401)'],
  ['a key without the scope', { status: 200, body: { connection_config: null, credentials: {} } }, 'does not say which Notion workspace'],
  ['another provider', { status: 200, body: { connection_config: { workspace_id: 'none' } } }, 'does not say which Notion workspace'],
  ['an outage', { status: 502, body: 'bad gateway' }, 'answers 502'],
])('%s is reported, with a remedy and without the key', async (_, reply, message) => {
  const error = await askNango(reply).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(OperatorError);
  expect(error).toMatchObject({ message: expect.stringContaining(message), remedy: expect.stringContaining('--notion-workspace-id') });
  expect(JSON.stringify(error)).not.toContain('nango-key');
});

test('Notion returns the workspace and the bot of a token', async () => {
  await using server = await startHttpServer(({ url, headers }) =>
    url === '/v1/users/me' && headers.authorization === 'Bearer ntn_good' && headers['notion-version'] === '2026-03-11'
      ? { status: 200, body: { object: 'user', id: bot, type: 'bot', bot: { workspace_id: workspace, workspace_name: 'Acme' } } }
      : { status: 401, body: { code: 'unauthorized' } },
  );
  expect(await grantOfToken(server.url, 'ntn_good', signal)).toEqual({ notionWorkspaceId: workspace, botId: bot });
  await expect(grantOfToken(server.url, 'ntn_bad', signal)).rejects.toThrow('refuses the token');
});

test('an unreachable server is reported', async () => {
  const server = await startHttpServer(() => ({ status: 200, body: {} }));
  await server[Symbol.asyncDispose]();
  await expect(grantAtNango({ url: server.url, apiKey: 'k' }, connection, signal)).rejects.toThrow('ECONNREFUSED');
});
