import { createHmac } from 'node:crypto';

/** Nango's header for the exact bytes of a body: `X-Nango-Hmac-Sha256`, hex HMAC-SHA256 under the environment's webhook signing key. */
export function nangoSignature(key: string, body: string | Buffer): string {
  return createHmac('sha256', key).update(body).digest('hex');
}

/**
 * A webhook that changes nothing anywhere: a connection notice with the operation that Nango itself calls `unknown`. Keys are sorted, without
 * whitespace, as Nango writes them.
 */
export function harmlessWebhook(connectionId: string): string {
  return JSON.stringify({
    authMode: 'OAUTH2',
    connectionId,
    environment: 'mirror-doctor',
    from: 'nango',
    operation: 'unknown',
    provider: 'notion',
    providerConfigKey: 'notion',
    success: true,
    type: 'auth',
  });
}
