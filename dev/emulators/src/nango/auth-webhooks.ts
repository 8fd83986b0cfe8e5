import type { JsonObject } from '../json.ts';
import type { NangoConnection } from './connections.ts';
import type { NangoEnvironment } from './environment.ts';
import type { Webhook } from './forwarding.ts';
import type { NangoSettings } from './settings.ts';

export type AuthOperation = 'creation' | 'override' | 'refresh' | 'deletion';

/** Nango's own webhook about a connection; null when its switch is off or there is no URL. */
export function authWebhook({
  environment,
  settings,
  connection,
  operation,
  error = null,
}: {
  environment: NangoEnvironment;
  settings: NangoSettings;
  connection: Pick<NangoConnection, 'connectionId' | 'providerConfigKey' | 'tags' | 'webhookUrlOverride'>;
  operation: AuthOperation;
  /** Null on success. */
  error?: { readonly type: string; readonly description: string } | null;
}): Webhook | null {
  const { forwardTo, sendOnCreation, sendOnRefreshError, sendOnDeletion } = settings.current();
  const isOn = { creation: sendOnCreation, override: true, refresh: sendOnRefreshError, deletion: sendOnDeletion }[operation];
  if (!isOn || forwardTo.length === 0) return null;
  const { connectionId, providerConfigKey, tags, webhookUrlOverride } = connection;
  const body: JsonObject = {
    from: 'nango',
    type: 'auth',
    connectionId,
    providerConfigKey,
    authMode: 'OAUTH2',
    provider: environment.integrations.get(providerConfigKey)?.provider ?? providerConfigKey,
    environment: environment.name,
    operation,
    ...(Object.keys(tags).length === 0 ? {} : { tags }),
    success: error === null,
    ...(error === null ? {} : { error }),
  };
  return { type: 'auth', connectionId, urls: webhookUrlOverride === null ? forwardTo : [webhookUrlOverride], body, headers: {} };
}
