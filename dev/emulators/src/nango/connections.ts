import type { JsonObject } from '../json.ts';

export interface NangoConnection {
  /** Nango's numeric id. */
  readonly id: number;
  readonly connectionId: string;
  readonly providerConfigKey: string;
  /** Null for a connection older than this field: its webhooks come unwrapped. */
  readonly workspaceId: string | null;
  readonly tags: Readonly<Record<string, string>>;
  readonly webhookUrlOverride: string | null;
  readonly createdAt: number;
  updatedAt: number;
  lastFetchedAt: number | null;
  /** Notion's token response. */
  tokenResponse: JsonObject;
  /** The access token after a forced refresh; null: unchanged. */
  tokenAfterRefresh: string | null;
  /** `failing`: a refresh fails now, 400. `exhausted`: no longer attempted, 424. */
  refresh: 'works' | 'failing' | 'exhausted';
}

/** A connection as returned by GET /connections/{id}. Without `credentials` for a key that may not read them. */
export function fullConnection(
  connection: NangoConnection,
  provider: string,
  { withCredentials, withRefreshToken }: { withCredentials: boolean; withRefreshToken: boolean },
): JsonObject {
  const { id, connectionId, providerConfigKey, workspaceId, tags, webhookUrlOverride, createdAt, updatedAt, lastFetchedAt } = connection;
  return {
    id,
    connection_id: connectionId,
    provider_config_key: providerConfigKey,
    provider,
    errors: authErrors(connection),
    end_user: null,
    tags,
    metadata: null,
    connection_config: workspaceId === null ? {} : { workspace_id: workspaceId },
    webhook_url_override: webhookUrlOverride,
    created_at: timeOf(createdAt),
    updated_at: timeOf(updatedAt),
    last_fetched_at: lastFetchedAt === null ? null : timeOf(lastFetchedAt),
    credentials: withCredentials ? credentials(connection, withRefreshToken) : {},
  };
}

/** A connection as listed by GET /connections: without its configuration. */
export function listedConnection(connection: NangoConnection, provider: string): JsonObject {
  const { id, connectionId, providerConfigKey, tags, createdAt } = connection;
  return {
    id,
    connection_id: connectionId,
    provider_config_key: providerConfigKey,
    provider,
    errors: authErrors(connection),
    end_user: null,
    tags,
    metadata: null,
    created: timeOf(createdAt),
  };
}

/** An OAuth2 credential without `expires_at`: Notion's tokens have no expiry. */
function credentials({ tokenResponse }: NangoConnection, withRefreshToken: boolean): JsonObject {
  const { refresh_token: refreshToken = null, ...withoutRefreshToken } = tokenResponse;
  const base = { type: 'OAUTH2', access_token: tokenResponse['access_token'] ?? null };
  if (!withRefreshToken || refreshToken === null) return { ...base, raw: withoutRefreshToken };
  return { ...base, refresh_token: refreshToken, raw: tokenResponse };
}

function authErrors({ refresh, connectionId }: NangoConnection): JsonObject[] {
  return refresh === 'works' ? [] : [{ type: 'auth', log_id: `log_${connectionId}` }];
}

function timeOf(at: number): string {
  return new Date(at).toISOString().replace('Z', '+00:00');
}
