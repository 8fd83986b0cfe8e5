import { Router } from '@koa/router';
import { readBody } from '../http/body.ts';
import { isJsonObject } from '../json.ts';
import { isNotionSignature } from '../signatures.ts';
import type { NangoEnvironment, NangoIntegration } from './environment.ts';
import { connectionsOfWorkspace } from './environment.ts';
import type { Forwarding, Webhook } from './forwarding.ts';
import { forwardedHeaders } from './headers.ts';

/**
 * POST /webhook/{environmentUuid}/{providerConfigKey}: where Notion sends its webhooks. Answers Notion at once, then forwards one webhook
 * per connection of the body's `workspace_id`, or the bare body when there is none.
 */
export function ingressRouter({
  environment,
  forwarding,
  urls,
}: {
  environment: NangoEnvironment;
  forwarding: Forwarding;
  urls: () => readonly string[];
}): Router {
  const router = new Router();
  router.post('/webhook/:environmentUuid/:providerConfigKey', async (ctx) => {
    const { environmentUuid = '', providerConfigKey = '' } = ctx.params as Record<string, string | undefined>;
    const refuse = (status: number, code: string) => {
      ctx.status = status;
      ctx.body = { error: { code } };
    };
    if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(environmentUuid)) return refuse(400, 'invalid_uri_params');
    if (environmentUuid.toLowerCase() !== environment.uuid) return refuse(404, 'unknown_environment');
    const integration = environment.integrations.get(providerConfigKey);
    if (integration === undefined) return refuse(404, 'unknown_provider_config');
    const body = await readBody(ctx.req, 10 * 1024 * 1024);
    if (body.kind === 'too_large') return refuse(413, 'payload_too_big');
    const payload = parseJson(body.bytes);
    if (payload === undefined) return refuse(400, 'invalid_json');
    const isHandshake = isVerificationHandshake(payload);
    const { webhookSecret } = integration;
    if (webhookSecret !== null && !isHandshake) {
      const signature = ctx.get('x-notion-signature');
      if (signature === '') return refuse(401, 'webhook_missing_signature');
      if (!isNotionSignature(signature, webhookSecret, body.bytes)) return refuse(401, 'webhook_invalid_signature');
    }
    ctx.status = 200;
    ctx.body = { status: 'success' };
    if (!integration.forwardWebhooks || urls().length === 0) return undefined;
    const headers = forwardedHeaders(ctx.req.headers);
    forwarding.send(isHandshake ? [bare(payload, urls(), headers)] : webhooksFor(environment, integration, payload, urls(), headers));
    return undefined;
  });
  return router;
}

function webhooksFor(
  environment: NangoEnvironment,
  { provider, providerConfigKey }: NangoIntegration,
  payload: unknown,
  urls: readonly string[],
  headers: Readonly<Record<string, string>>,
): Webhook[] {
  const workspaceId = isJsonObject(payload) ? payload['workspace_id'] : undefined;
  const connections = typeof workspaceId === 'string' ? connectionsOfWorkspace(environment, providerConfigKey, workspaceId) : [];
  if (connections.length === 0) return [bare(payload, urls, headers)];
  return connections.map(({ connectionId, webhookUrlOverride }) => ({
    type: 'forward',
    connectionId,
    urls: webhookUrlOverride === null ? urls : [webhookUrlOverride],
    body: { from: provider, providerConfigKey, type: 'forward', payload, connectionId },
    headers,
  }));
}

function bare(body: unknown, urls: readonly string[], headers: Readonly<Record<string, string>>): Webhook {
  return { type: 'forward', connectionId: null, urls, body, headers };
}

/** The token alone: an event that carries one among its fields must be signed. */
function isVerificationHandshake(payload: unknown): boolean {
  return isJsonObject(payload) && typeof payload['verification_token'] === 'string' && Object.keys(payload).length === 1;
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}
