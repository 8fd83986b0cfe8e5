import { z } from 'zod';
import { canonicalNotionId } from '@notion-mirror/domain/notion-id';
import { exchange, ExchangeError, type HttpAnswer } from '@notion-mirror/notion-source/http-exchange';
import { parseJson } from '@notion-mirror/notion-source/json-object';
import { notionVersion } from '@notion-mirror/notion-source/notion-version';
import { OperatorError } from '../operator-error.ts';
import { urlAddress } from '../secrets.ts';

/** A grant's workspace and bot, as reported by Nango or Notion. */
export interface Grant {
  readonly notionWorkspaceId: string;
  readonly botId: string | null;
}

const deadlineMs = 10_000;

const notionId = z.string().transform((text) => canonicalNotionId(text));
const maybe = <T>(schema: z.ZodType<T>) => schema.nullish().catch(null);

/** `connection_config.workspace_id` is missing in connections made before October 2025; Notion's own token response is in `raw`. */
const nangoConnection = z.object({
  connection_config: maybe(z.object({ workspace_id: maybe(notionId) })),
  credentials: maybe(z.object({ raw: maybe(z.object({ workspace_id: maybe(notionId), bot_id: maybe(notionId) })) })),
});

/** Asks Nango which Notion workspace a connection is for: GET {url}/connections/{id}. Rejects with OperatorError. */
export async function grantAtNango(
  nango: { readonly url: string; readonly apiKey: string },
  connection: { readonly connectionId: string; readonly providerConfigKey: string },
  signal: AbortSignal,
): Promise<Grant> {
  const { connectionId, providerConfigKey } = connection;
  const query = new URLSearchParams({ provider_config_key: providerConfigKey });
  const url = `${nango.url}/connections/${encodeURIComponent(connectionId)}?${query.toString()}`;
  const where = `Nango (${urlAddress(nango.url)})`;
  const giveIt = 'or give --notion-workspace-id';
  const answer = await ask(where, url, { authorization: `Bearer ${nango.apiKey}` }, signal);
  if (answer.status === 404) {
    const message = `${where} knows no connection ${connectionId} of the integration ${providerConfigKey}`;
    throw new OperatorError('unknown_at_nango', message, { remedy: `check the id and --provider-config-key in Nango, ${giveIt}` });
  }
  if (answer.status === 401 || answer.status === 403) {
    const remedy = `set MIRROR_NANGO_API_KEY to a key of this environment with the scope environment:connections:read_credentials, ${giveIt}`;
    throw new OperatorError('nango_refuses', `${where} refuses the API key (${answer.status})`, { remedy });
  }
  if (answer.status !== 200)
    throw new OperatorError('nango_failed', `${where} answers ${answer.status}`, { remedy: `try again, ${giveIt}` });
  const found = nangoConnection.safeParse(parseJson(answer.text)).data;
  const raw = found?.credentials?.raw;
  const notionWorkspaceId = found?.connection_config?.workspace_id ?? raw?.workspace_id ?? null;
  if (notionWorkspaceId === null) {
    throw new OperatorError('no_workspace_at_nango', `${where} does not say which Notion workspace the connection ${connectionId} is for`, {
      remedy: `is it a Notion connection? Reconnect it in Nango, ${giveIt}`,
    });
  }
  return { notionWorkspaceId, botId: raw?.bot_id ?? null };
}

const botUser = z.object({ id: notionId, bot: maybe(z.object({ workspace_id: maybe(notionId) })) });

/** Asks Notion which workspace a token is for: GET {url}/v1/users/me. Rejects with OperatorError. */
export async function grantOfToken(notionApiUrl: string, token: string, signal: AbortSignal): Promise<Grant> {
  const where = `Notion (${urlAddress(notionApiUrl)})`;
  const headers = { authorization: `Bearer ${token}`, 'notion-version': notionVersion };
  const answer = await ask(where, `${notionApiUrl}/v1/users/me`, headers, signal);
  if (answer.status === 401) {
    throw new OperatorError('token_refused', `${where} refuses the token`, { remedy: 'copy it again from the integration in Notion' });
  }
  if (answer.status !== 200) {
    throw new OperatorError('notion_failed', `${where} answers ${answer.status}`, { remedy: 'try again, or give --notion-workspace-id' });
  }
  const found = botUser.safeParse(parseJson(answer.text)).data;
  const notionWorkspaceId = found?.bot?.workspace_id ?? null;
  if (notionWorkspaceId === null) {
    throw new OperatorError('no_workspace_at_notion', `${where} does not say which workspace the token is for`, {
      remedy: 'give --notion-workspace-id',
    });
  }
  return { notionWorkspaceId, botId: found?.id ?? null };
}

async function ask(where: string, url: string, headers: Record<string, string>, signal: AbortSignal): Promise<HttpAnswer> {
  try {
    return await exchange(url, { headers: { accept: 'application/json', ...headers } }, { deadlineMs, signal });
  } catch (error) {
    if (!(error instanceof ExchangeError) || signal.aborted) throw error;
    throw new OperatorError('unreachable', `${where}: ${error.message}`, {
      remedy: 'try again, or give --notion-workspace-id',
      cause: error,
    });
  }
}
