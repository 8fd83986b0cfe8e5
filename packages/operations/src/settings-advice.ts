import type { Config } from '@notion-mirror/service-kit/config';

export interface Advice {
  readonly text: string;
  readonly remedy: string;
}

/** Combinations of valid settings that are unwise. */
export function settingsAdvice(config: Config<'cli' | 'console'>): Advice[] {
  const advice: Advice[] = [];
  if (config.tombstoneTtlMs < config.retentionMs) {
    advice.push({
      text: 'tombstones expire before the records of the log: reading the log again from its beginning would ask Notion for databases deleted long ago',
      remedy: 'set MIRROR_TOMBSTONE_TTL_DAYS to MIRROR_KAFKA_RETENTION_DAYS or more, then mirror init',
    });
  }
  if (config.encryptionKey === null) {
    advice.push({
      text: 'MIRROR_ENCRYPTION_KEY is not set: Notion tokens cannot be stored, and a handshake token is kept in the clear',
      remedy: 'make one with `openssl rand -base64 32`, set it for all services, and keep it',
    });
  }
  if (config.kafka.sasl?.mechanism === 'plain' && !config.kafka.ssl) {
    advice.push({
      text: 'the SASL mechanism is plain and MIRROR_KAFKA_SSL is false: the password crosses the network in the clear',
      remedy: 'set MIRROR_KAFKA_SSL=true',
    });
  }
  const apis = { MIRROR_NANGO_URL: config.nango.url, MIRROR_NOTION_API_URL: config.notionApiUrl };
  for (const [variable, url] of Object.entries(apis)) {
    const { protocol, hostname } = new URL(url);
    // Traffic within a machine or a container network (a name without a dot) cannot be overheard.
    if (protocol === 'https:' || !hostname.includes('.') || hostname === '127.0.0.1') continue;
    advice.push({
      text: `${variable} is not https: keys and tokens cross the network in the clear`,
      remedy: `set ${variable} to an https URL`,
    });
  }
  const keys = config.nangoSigningKeys.length + config.notionVerificationTokens.length;
  if (keys === 0 && config.notionHandshake === 'off') {
    advice.push({
      text: 'no webhook can be accepted: there is no key to verify one with, and MIRROR_NOTION_HANDSHAKE is off',
      remedy: 'set MIRROR_NANGO_SIGNING_KEYS or MIRROR_NOTION_VERIFICATION_TOKENS',
    });
  }
  return advice;
}
