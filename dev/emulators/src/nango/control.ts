import { ControlError } from '../http/control-api.ts';
import type { JsonObject } from '../json.ts';
import type { PendingWork } from '../pending-work.ts';
import type { AuthOperation } from './auth-webhooks.ts';
import { authWebhook } from './auth-webhooks.ts';
import type { BreakerState, CircuitBreaker } from './breaker.ts';
import type { NangoConnection } from './connections.ts';
import type { NangoEnvironment, NangoIntegration } from './environment.ts';
import type { Forwarding, NangoDelivery } from './forwarding.ts';
import type { NangoSettings } from './settings.ts';

export interface NewNangoConnection {
  readonly connectionId?: string | undefined;
  /** Default `notion`. */
  readonly providerConfigKey?: string | undefined;
  readonly accessToken: string;
  readonly refreshToken?: string | undefined;
  /** Notion's workspace; null if the connection does not record it (an old or imported one): its webhooks come unwrapped. */
  readonly workspaceId: string | null;
  readonly workspaceName?: string | undefined;
  readonly botId?: string | undefined;
  readonly ownerId?: string | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
  readonly webhookUrlOverride?: string | undefined;
}

/** Actions of operators and users in Nango outside its API. Throws a ControlError for an unknown id. */
export interface NangoControl {
  /** A user authorises: webhook `creation`. */
  createConnection(input: NewNangoConnection): NangoConnection;
  /** A user reauthorises: another token, webhook `override`. */
  reauthorize(input: { connectionId: string; accessToken: string }): NangoConnection;
  /** An authorisation fails: webhook `creation`, or `override` for an existing connection, with `success: false`. */
  failAuthorization(input: { connectionId: string; providerConfigKey?: string | undefined }): void;
  /** The next refresh fails: webhook `refresh` with `success: false`, and GET answers 400, or 424 when `exhausted`. */
  failRefresh(input: { connectionId: string; exhausted?: boolean | undefined }): void;
  /** Sets the token that a forced refresh (`force_refresh=true`) will return. */
  setTokenAfterRefresh(input: { connectionId: string; accessToken: string }): void;
  /** Webhook `deletion`. */
  deleteConnection(input: { connectionId: string }): void;
  connections(): readonly NangoConnection[];
  createIntegration(input: {
    providerConfigKey: string;
    provider?: string | undefined;
    forwardWebhooks?: boolean | undefined;
  }): NangoIntegration;
  /** Pastes Notion's verification token into the integration's settings; null removes it. */
  setWebhookSecret(input: { webhookSecret: string | null; providerConfigKey?: string | undefined }): void;
  /** Takes effect at once, without overlap, as in Nango. */
  rotateSigningKey(input?: { signingKey?: string | undefined }): { readonly signingKey: string };
  rotateApiKey(input?: { apiKey?: string | undefined }): { readonly apiKey: string };
  /** The last 10,000 webhooks sent, oldest first. */
  deliveries(filter?: { state?: NangoDelivery['state'] | undefined; connectionId?: string | undefined }): readonly NangoDelivery[];
  breakerState(input: { url: string }): BreakerState;
  resetBreaker(): void;
  /** Resolves when no webhook is in flight. Rejects after `timeoutMs`, default 30 s. */
  settle(input?: { timeoutMs?: number | undefined }): Promise<void>;
}

export function createNangoControl({
  environment,
  settings,
  forwarding,
  breaker,
  pending,
  now,
}: {
  environment: NangoEnvironment;
  settings: NangoSettings;
  forwarding: Forwarding;
  breaker: CircuitBreaker;
  pending: PendingWork;
  now: () => number;
}): NangoControl {
  let created = 0;
  const connectionOf = (connectionId: string) => found(environment.connections.get(connectionId), 'connection', connectionId);
  const integrationOf = (key: string) => found(environment.integrations.get(key), 'integration', key);
  const notify = (
    connection: Parameters<typeof authWebhook>[0]['connection'],
    operation: AuthOperation,
    error?: { type: string; description: string },
  ) => {
    const webhook = authWebhook({ environment, settings, connection, operation, error: error ?? null });
    if (webhook !== null) forwarding.send([webhook]);
  };

  return {
    createConnection: (input) => {
      const {
        connectionId = environment.random.uuid(),
        providerConfigKey = 'notion',
        workspaceId,
        tags = {},
        webhookUrlOverride = null,
      } = input;
      integrationOf(providerConfigKey);
      if (environment.connections.has(connectionId)) throw new ControlError(409, `There is a connection ${connectionId} already.`);
      created += 1;
      const connection: NangoConnection = {
        id: 1000 + created,
        connectionId,
        providerConfigKey,
        workspaceId,
        tags,
        webhookUrlOverride,
        createdAt: now(),
        updatedAt: now(),
        lastFetchedAt: null,
        tokenResponse: tokenResponse(input),
        tokenAfterRefresh: null,
        refresh: 'works',
      };
      environment.connections.set(connectionId, connection);
      notify(connection, 'creation');
      return connection;
    },
    reauthorize: ({ connectionId, accessToken }) => {
      const connection = connectionOf(connectionId);
      connection.tokenResponse = { ...connection.tokenResponse, access_token: accessToken };
      connection.updatedAt = now();
      connection.refresh = 'works';
      notify(connection, 'override');
      return connection;
    },
    failAuthorization: ({ connectionId, providerConfigKey = 'notion' }) => {
      const known = environment.connections.get(connectionId);
      const connection = known ?? { connectionId, providerConfigKey, tags: {}, webhookUrlOverride: null };
      notify(connection, known === undefined ? 'creation' : 'override', { type: 'access_denied', description: 'The user denied access.' });
    },
    failRefresh: ({ connectionId, exhausted = false }) => {
      const connection = connectionOf(connectionId);
      connection.refresh = exhausted ? 'exhausted' : 'failing';
      notify(connection, 'refresh', {
        type: 'refresh_token_external_error',
        description: 'The external API returned an error when trying to refresh the access token.',
      });
    },
    setTokenAfterRefresh: ({ connectionId, accessToken }) => {
      connectionOf(connectionId).tokenAfterRefresh = accessToken;
    },
    deleteConnection: ({ connectionId }) => {
      const connection = connectionOf(connectionId);
      environment.connections.delete(connectionId);
      notify(connection, 'deletion');
    },
    connections: () => [...environment.connections.values()],
    createIntegration: ({ providerConfigKey, provider = 'notion', forwardWebhooks = true }) => {
      const integration: NangoIntegration = { providerConfigKey, provider, webhookSecret: null, forwardWebhooks };
      environment.integrations.set(providerConfigKey, integration);
      return integration;
    },
    setWebhookSecret: ({ webhookSecret, providerConfigKey = 'notion' }) => {
      integrationOf(providerConfigKey).webhookSecret = webhookSecret;
    },
    rotateSigningKey: ({ signingKey = environment.random.text(40) } = {}) => {
      environment.signingKey = signingKey;
      return { signingKey };
    },
    rotateApiKey: ({ apiKey = environment.random.uuid() } = {}) => {
      environment.apiKey = apiKey;
      return { apiKey };
    },
    deliveries: ({ state, connectionId } = {}) =>
      forwarding
        .log()
        .filter(
          (delivery) =>
            (state === undefined || delivery.state === state) && (connectionId === undefined || delivery.connectionId === connectionId),
        ),
    breakerState: ({ url }) => breaker.state(url),
    resetBreaker: () => breaker.reset(),
    settle: ({ timeoutMs = 30_000 } = {}) => pending.settle(timeoutMs, () => `${pending.count} inbound webhooks not yet forwarded`),
  };
}

/** The response of Notion's token endpoint. */
function tokenResponse(input: NewNangoConnection): JsonObject {
  const { accessToken, refreshToken = null, workspaceId, workspaceName = null, botId = null, ownerId = null } = input;
  return {
    access_token: accessToken,
    token_type: 'bearer',
    ...(refreshToken === null ? {} : { refresh_token: refreshToken }),
    bot_id: botId,
    workspace_id: workspaceId,
    workspace_name: workspaceName,
    workspace_icon: null,
    owner: { type: 'user', user: { object: 'user', id: ownerId } },
    duplicated_template_id: null,
  };
}

function found<T>(value: T | undefined, kind: string, id: string): T {
  if (value === undefined) throw new ControlError(404, `There is no ${kind} ${id}.`);
  return value;
}
